// What each operator of a plan does. Activations lie channels-last. A convolution whose weights are packed is oneDNN's, with bias,
// ReLU and residual inside; another is libtorch's, as on a GPU.
#include <ATen/Context.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/adaptive_avg_pool2d.h>
#include <ATen/ops/adaptive_max_pool2d.h>
#include <ATen/ops/add.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/mkldnn_reorder_conv2d_weight.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/upsample_bilinear2d.h>

#include <algorithm>
#include <map>
#include <stdexcept>

#include "plan.h"
#include "processor.h"

namespace binding {

namespace {

using Values = std::vector<at::Tensor>;
using Scalars = c10::List<std::optional<at::Scalar>>;

/** Places in a convolution's attributes; the last are the four sizes of the input that its weights are laid out for. */
enum { stride, padding, dilation, withRelu, usualSize };

at::Tensor fusedConvolution(const Step& step, const Values& in) {
  static const auto handle = c10::Dispatcher::singleton()
                                 .findSchemaOrThrow("mkldnn::_convolution_pointwise", "")
                                 .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&, at::IntArrayRef, at::IntArrayRef,
                                                   at::IntArrayRef, int64_t, std::string_view, Scalars, std::optional<std::string_view>)>();
  const auto& a = step.attributes;
  const Integers p(2, a[padding]), s(2, a[stride]), d(2, a[dilation]);
  const std::optional<at::Tensor> bias = in[2].defined() ? std::optional(in[2]) : std::nullopt;
  return handle.call(in[0], in[1], bias, p, s, d, 1, a[withRelu] ? "relu" : "none", Scalars(), std::nullopt);
}

at::Tensor fusedResidualConvolution(const Step& step, const Values& in) {
  static const auto handle =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("mkldnn::_convolution_pointwise", "binary")
          .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&, at::IntArrayRef, at::IntArrayRef,
                            at::IntArrayRef, int64_t, std::string_view, std::optional<at::Scalar>, std::optional<std::string_view>, Scalars,
                            std::optional<std::string_view>)>();
  const auto& a = step.attributes;
  const Integers p(2, a[padding]), s(2, a[stride]), d(2, a[dilation]);
  const std::optional<at::Tensor> bias = in[2].defined() ? std::optional(in[2]) : std::nullopt;
  const std::optional<std::string_view> unary = a[withRelu] ? std::optional<std::string_view>("relu") : std::nullopt;
  return handle.call(in[0], in[3], in[1], bias, p, s, d, 1, "add", std::nullopt, unary, Scalars(), std::nullopt);
}

at::Tensor convolution(const Step& step, const Values& in) {
  if (in[1].is_mkldnn()) return in[3].defined() ? fusedResidualConvolution(step, in) : fusedConvolution(step, in);
  const auto& a = step.attributes;
  auto y = at::conv2d(in[0], in[1], in[2].defined() ? std::optional(in[2]) : std::nullopt, Integers(2, a[stride]), Integers(2, a[padding]),
                      Integers(2, a[dilation]));
  if (in[3].defined()) y.add_(in[3]);
  return a[withRelu] ? y.relu_() : y;
}

at::Tensor scaleChannels(const Step&, const Values& in) { return at::mul(in[0], in[1].view({-1, 1, 1})); }
at::Tensor relu(const Step&, const Values& in) { return at::relu(in[0]); }
at::Tensor add(const Step&, const Values& in) { return at::add(in[0], in[1]); }
at::Tensor matmul(const Step&, const Values& in) { return at::matmul(in[0], in[1]); }

// kernel size, stride, padding, whether sizes are rounded up
at::Tensor maxPool(const Step& step, const Values& in) {
  const auto& a = step.attributes;
  return at::max_pool2d(in[0], a[0], a[1], a[2], 1, a[3] != 0);
}

at::Tensor averagePool(const Step& step, const Values& in) { return at::adaptive_avg_pool2d(in[0], Integers(2, step.attributes[0])); }
at::Tensor maximumPool(const Step& step, const Values& in) {
  return std::get<0>(at::adaptive_max_pool2d(in[0], Integers(2, step.attributes[0])));
}

at::Tensor concatenate(const Step& step, const Values& in) { return at::cat(in, step.attributes[0]); }
at::Tensor narrow(const Step& step, const Values& in) { return in[0].narrow(step.attributes[0], step.attributes[1], step.attributes[2]); }
at::Tensor permute(const Step& step, const Values& in) { return in[0].permute(step.attributes); }
at::Tensor flatten(const Step& step, const Values& in) { return in[0].flatten(step.attributes[0], step.attributes[1]); }
at::Tensor unflatten(const Step& step, const Values& in) {
  return in[0].unflatten(step.attributes[0], at::IntArrayRef(step.attributes).slice(1));
}

/** alignCorners; the second input gives the size. */
at::Tensor resizeLike(const Step& step, const Values& in) {
  return at::upsample_bilinear2d(in[0].to(at::kFloat), in[1].sizes().slice(2), step.attributes[0] != 0);
}

/** height, width, alignCorners */
at::Tensor resize(const Step& step, const Values& in) {
  const auto& a = step.attributes;
  return at::upsample_bilinear2d(in[0].to(at::kFloat), {a[0], a[1]}, a[2] != 0);
}

}  // namespace

bool canPack(at::ScalarType dtype, at::Device device) {
  return device.is_cpu() && at::hasMKLDNN() && (dtype == at::kFloat || (dtype == at::kBFloat16 && oneDnnHasBfloat16()));
}

at::Tensor packedWeight(const at::Tensor& weight, const Integers& a) {
  static const auto handle = c10::Dispatcher::singleton()
                                 .findSchemaOrThrow("mkldnn::_reorder_convolution_weight", "")
                                 .typed<at::Tensor(const at::Tensor&, at::IntArrayRef, at::IntArrayRef, at::IntArrayRef, int64_t, at::OptionalIntArrayRef)>();
  const Integers p(2, a[padding]), s(2, a[stride]), d(2, a[dilation]), size(a.begin() + usualSize, a.end());
  if (weight.is_mkldnn()) return at::mkldnn_reorder_conv2d_weight(weight, p, s, d, 1, size);
  return handle.call(weight, p, s, d, 1, size);
}

std::string orderOf(const at::Tensor& packed) {
  static const auto handle =
      c10::Dispatcher::singleton().findSchemaOrThrow("mkldnn::_get_mkldnn_serialized_md", "").typed<at::Tensor(const at::Tensor&)>();
  const auto bytes = handle.call(packed);
  return {static_cast<const char*>(bytes.const_data_ptr()), bytes.nbytes()};
}

Integers withInputSize(Integers attributes, at::IntArrayRef size) {
  std::copy(size.begin(), size.end(), attributes.begin() + usualSize);
  return attributes;
}

const Operator& operatorNamed(const std::string& name) {
  // What it does, how many inputs it has, and how many attributes.
  static const std::map<std::string, Operator> operators = {
      {"conv2d", {convolution, 2, 4, usualSize + 4}},
      {"scaleChannels", {scaleChannels, 2, 2, 0}},
      {"relu", {relu, 1, 1, 0}},
      {"add", {add, 2, 2, 0}},
      {"matmul", {matmul, 2, 2, 0}},
      {"maxPool2d", {maxPool, 1, 1, 4}},
      {"adaptiveAvgPool2d", {averagePool, 1, 1, 1}},
      {"adaptiveMaxPool2d", {maximumPool, 1, 1, 1}},
      {"cat", {concatenate, 1, SIZE_MAX, 1}},
      {"narrow", {narrow, 1, 1, 3}},
      {"permute", {permute, 1, 1, 1}},
      {"flatten", {flatten, 1, 1, 2}},
      {"unflatten", {unflatten, 1, 1, 2}},
      {"resizeLike", {resizeLike, 2, 2, 1}},
      {"resize", {resize, 1, 1, 3}},
  };
  const auto found = operators.find(name);
  if (found == operators.end()) throw std::invalid_argument("operator: a plan knows no " + name);
  return found->second;
}

}  // namespace binding
