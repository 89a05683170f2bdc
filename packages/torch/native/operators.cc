// What each operator of a plan does. Activations lie channels-last. A convolution whose weights are packed is oneDNN's, with bias,
// ReLU and residual inside; another is libtorch's, as on a GPU.
#include <ATen/Context.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/adaptive_avg_pool2d.h>
#include <ATen/ops/adaptive_max_pool2d.h>
#include <ATen/ops/add.h>
#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/mkldnn_reorder_conv2d_weight.h>
#include <ATen/ops/prelu.h>
#include <ATen/ops/relu.h>

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "bilinear.h"
#include "bytePools.h"
#include "enlargeMatrix.h"
#include "histogram.h"
#include "plan.h"
#include "processor.h"
#include "quantise.h"
#include "quantisedConvolution.h"
#include "scaleChannels.h"

namespace binding {

namespace {

using Scalars = c10::List<std::optional<at::Scalar>>;

std::optional<at::Tensor> given(const at::Tensor& value) { return value.defined() ? std::optional(value) : std::nullopt; }

at::Tensor fusedConvolution(const Convolution& c, const Values& in) {
  static const auto handle = c10::Dispatcher::singleton()
                                 .findSchemaOrThrow("mkldnn::_convolution_pointwise", "")
                                 .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&, at::IntArrayRef, at::IntArrayRef,
                                                   at::IntArrayRef, int64_t, std::string_view, Scalars, std::optional<std::string_view>)>();
  return handle.call(in[0], in[1], given(in[2]), c.padding, c.stride, c.dilation, c.groups, c.activation, c.scalars(), std::nullopt);
}

at::Tensor fusedResidualConvolution(const Convolution& c, const Values& in) {
  static const auto handle =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("mkldnn::_convolution_pointwise", "binary")
          .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&, at::IntArrayRef, at::IntArrayRef,
                            at::IntArrayRef, int64_t, std::string_view, std::optional<at::Scalar>, std::optional<std::string_view>, Scalars,
                            std::optional<std::string_view>)>();
  // Of activations on the sum oneDNN's binding knows ReLU alone.
  const auto unary = c.activation == "relu" ? std::optional<std::string_view>(c.activation) : std::nullopt;
  auto y = handle.call(in[0], in[3], in[1], given(in[2]), c.padding, c.stride, c.dilation, c.groups, "add", std::nullopt, unary, Scalars(), std::nullopt);
  return c.activation == "hardtanh" ? y.clamp_(0, 6) : y;
}

}  // namespace

at::Tensor convolve(const Convolution& c, const Values& in) {
  if (in[1].is_mkldnn()) return in[3].defined() ? fusedResidualConvolution(c, in) : fusedConvolution(c, in);
  auto y = at::conv2d(in[0], in[1], given(in[2]), c.stride, c.padding, c.dilation, c.groups);
  if (in[3].defined()) y.add_(in[3]);
  if (c.activation == "relu") return y.relu_();
  return c.activation == "hardtanh" ? y.clamp_(0, 6) : y;
}

namespace {

/** What the activation, attribute `index`, limits values to. */
Range rangeOf(const Call& attributes, size_t index) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  if (attributes.absent(index)) return {-infinity, infinity};
  const auto name = attributes.string(index);
  if (name == "relu") return {0, infinity};
  if (name == "relu6") return {0, 6};
  throw std::invalid_argument("activation: a plan knows no " + name);
}

// What there is, how many inputs it has, and how it is computed.
const Operator operators[] = {
    {{"conv2d", {"stride", "padding", "dilation", "groups", "activation", "inputSize"}}, 2, 4, [](const Call& a) -> Compute {
       return [c = Convolution(a)](const Values& in) { return convolve(c, in); };
     }},
    {{"quantisedConv2d", {"stride", "padding", "dilation", "groups", "activation", "inputSize", "input", "output", "residual", "inPlace"}}, 3, 5,
     [](const Call& a) -> Compute { return QuantisedConvolution(a); },
     [](const Call& a, at::Tensor& weight, at::Tensor& scales) { QuantisedConvolution(a).pack(weight, scales, a.integers(5, 4)); }},
    {{"quantise", {"scale", "zeroPoint"}}, 1, 1, [](const Call& a) -> Compute {
       return [as = quantisationOf(a)](const Values& in) { return quantise(in[0], as); };
     }},
    {{"dequantise", {"scale", "zeroPoint"}}, 1, 1, [](const Call& a) -> Compute {
       return [as = quantisationOf(a)](const Values& in) { return dequantise(in[0], as); };
     }},
    {{"adaptiveAvgPoolOfBytes", {"scale", "zeroPoint", "bins"}}, 1, 1, [](const Call& a) -> Compute {
       return [as = quantisationOf(a), bins = a.size(2)](const Values& in) { return meansOfBytes(in[0], bins, as); };
     }},
    {{"histogram", {}}, 1, 1, [](const Call&) -> Compute {
       return [](const Values& in) { return histogram(in[0]); };
     }},
    {{"batchNorm", {"eps"}}, 5, 5, [](const Call& a) -> Compute {
       return [eps = a.number(0)](const Values& in) { return at::batch_norm(in[0], in[1], in[2], in[3], in[4], false, 0, eps, false); };
     }},
    {{"scaleChannels", {"activation"}}, 2, 3, [](const Call& a) -> Compute {
       return [range = rangeOf(a, 0)](const Values& in) { return scaleChannels(in[0], in[1], in[2], range); };
     }},
    {{"relu", {}}, 1, 1, [](const Call&) -> Compute {
       return [](const Values& in) { return at::relu(in[0]); };
     }},
    {{"relu6", {}}, 1, 1, [](const Call&) -> Compute {
       return [](const Values& in) { return at::clamp(in[0], 0, 6); };
     }},
    {{"prelu", {}}, 2, 2, [](const Call&) -> Compute {
       return [](const Values& in) { return at::prelu(in[0], in[1]); };
     }},
    {{"logSoftmax", {"dim"}}, 1, 1, [](const Call& a) -> Compute {
       // Along the dimension that lies innermost: of channels that is the last one.
       return [dim = a.integer(0)](const Values& in) { return at::log_softmax(in[0].movedim(dim, -1), -1, at::kFloat).movedim(-1, dim); };
     }},
    {{"add", {}}, 2, 2, [](const Call&) -> Compute {
       return [](const Values& in) { return at::add(in[0], in[1]); };
     }},
    {{"matmul", {}}, 2, 2, [](const Call&) -> Compute {
       return [](const Values& in) { return at::matmul(in[0], in[1]); };
     }},
    {{"linear", {}}, 2, 3, [](const Call&) -> Compute {
       return [](const Values& in) { return at::linear(in[0], in[1], given(in[2])); };
     }},
    {{"maxPool2d", {"kernelSize", "stride", "padding", "ceilMode"}}, 1, 1, [](const Call& a) -> Compute {
       return [kernel = a.integer(0, 1), stride = a.integer(1, 1), padding = a.integer(2, 0), ceil = a.boolean(3)](const Values& in) {
         if (in[0].scalar_type() == at::kByte) return maxPoolOfBytes(in[0], {kernel, stride, padding, ceil});
         return at::max_pool2d(in[0], kernel, stride, padding, 1, ceil);
       };
     }},
    {{"avgPool2d", {"kernelSize", "stride", "padding", "ceilMode", "countIncludePad"}}, 1, 1, [](const Call& a) -> Compute {
       return [kernel = a.integer(0, 1), stride = a.integer(1, 1), padding = a.integer(2, 0), ceil = a.boolean(3), counted = a.boolean(4)](
                  const Values& in) { return at::avg_pool2d(in[0], kernel, stride, padding, ceil, counted); };
     }},
    {{"adaptiveAvgPool2d", {"bins"}}, 1, 1, [](const Call& a) -> Compute {
       return [bins = a.size(0)](const Values& in) { return at::adaptive_avg_pool2d(in[0], bins); };
     }},
    {{"adaptiveMaxPool2d", {"bins"}}, 1, 1, [](const Call& a) -> Compute {
       return [bins = a.size(0)](const Values& in) { return std::get<0>(at::adaptive_max_pool2d(in[0], bins)); };
     }},
    {{"pad", {"padding"}}, 1, 1, [](const Call& a) -> Compute {
       return [padding = a.integers(0, 4)](const Values& in) { return at::constant_pad_nd(in[0], padding); };
     }},
    {{"cat", {"dim"}}, 1, SIZE_MAX, [](const Call& a) -> Compute {
       return [dim = a.integer(0)](const Values& in) { return at::cat(in, dim); };
     }},
    {{"narrow", {"dim", "start", "length"}}, 1, 1, [](const Call& a) -> Compute {
       return [dim = a.integer(0), start = a.integer(1), length = a.integer(2)](const Values& in) { return in[0].narrow(dim, start, length); };
     }},
    {{"permute", {"dims"}}, 1, 1, [](const Call& a) -> Compute {
       return [dims = a.integers(0)](const Values& in) { return in[0].permute(dims); };
     }},
    {{"flatten", {"start", "end"}}, 1, 1, [](const Call& a) -> Compute {
       return [start = a.integer(0), end = a.integer(1)](const Values& in) { return in[0].flatten(start, end); };
     }},
    {{"unflatten", {"dim", "sizes"}}, 1, 1, [](const Call& a) -> Compute {
       return [dim = a.integer(0), sizes = a.integers(1)](const Values& in) { return in[0].unflatten(dim, sizes); };
     }},
    {{"enlargeMatrix", {"dim", "bins", "taps", "alignCorners"}}, 1, 1, [](const Call& a) -> Compute {
       return [dim = a.integer(0), bins = a.integer(1), taps = a.integer(2), corners = a.alignCorners(3)](const Values& in) {
         return enlargeMatrix(in[0], dim, bins, taps, corners);
       };
     }},
    {{"resizeLike", {"alignCorners"}}, 2, 2, [](const Call& a) -> Compute {
       return [corners = a.alignCorners(0)](const Values& in) { return resized(in[0], in[1].sizes().slice(2), corners); };
     }},
    {{"resizeBy", {"factor", "alignCorners"}}, 1, 1, [](const Call& a) -> Compute {
       return [factor = a.integer(0, 1), corners = a.alignCorners(1)](const Values& in) {
         return resized(in[0], {factor * in[0].size(2), factor * in[0].size(3)}, corners);
       };
     }},
    {{"resize", {"size", "alignCorners"}}, 1, 1, [](const Call& a) -> Compute {
       return [size = a.size(0), corners = a.alignCorners(1)](const Values& in) { return resized(in[0], size, corners); };
     }},
};

}  // namespace

const Operator& operatorNamed(const std::string& name) {
  const auto found = std::find_if(std::begin(operators), std::end(operators), [&](const auto& one) { return name == one.signature.name; });
  if (found == std::end(operators)) throw std::invalid_argument("operator: a plan knows no " + name);
  return *found;
}

Convolution::Convolution(const Call& attributes)
    : stride(2, attributes.integer(0, 1)),
      padding(2, attributes.integer(1, 0)),
      dilation(2, attributes.integer(2, 1)),
      groups(attributes.integer(3, 1)),
      activation(attributes.absent(4) ? "none" : attributes.string(4)) {
  if (activation != "none" && activation != "relu" && activation != "relu6") throw std::invalid_argument("activation: a plan knows no " + activation);
  if (activation == "relu6") activation = "hardtanh";
}

c10::List<std::optional<at::Scalar>> Convolution::scalars() const {
  c10::List<std::optional<at::Scalar>> bounds;
  if (activation == "hardtanh") {
    bounds.push_back(at::Scalar(0.0));
    bounds.push_back(at::Scalar(6.0));
  }
  return bounds;
}

at::Tensor Convolution::packed(const at::Tensor& weight, at::IntArrayRef inputSize) const {
  static const auto handle = c10::Dispatcher::singleton()
                                 .findSchemaOrThrow("mkldnn::_reorder_convolution_weight", "")
                                 .typed<at::Tensor(const at::Tensor&, at::IntArrayRef, at::IntArrayRef, at::IntArrayRef, int64_t, at::OptionalIntArrayRef)>();
  if (weight.is_mkldnn()) return at::mkldnn_reorder_conv2d_weight(weight, padding, stride, dilation, groups, inputSize);
  return handle.call(weight, padding, stride, dilation, groups, inputSize);
}

bool canPack(at::ScalarType dtype, at::Device device) {
  return device.is_cpu() && at::hasMKLDNN() && (dtype == at::kFloat || (dtype == at::kBFloat16 && oneDnnHasBfloat16()));
}

std::string orderOf(const at::Tensor& packed) {
  static const auto handle =
      c10::Dispatcher::singleton().findSchemaOrThrow("mkldnn::_get_mkldnn_serialized_md", "").typed<at::Tensor(const at::Tensor&)>();
  const auto bytes = handle.call(packed);
  return {static_cast<const char*>(bytes.const_data_ptr()), bytes.nbytes()};
}

}  // namespace binding
