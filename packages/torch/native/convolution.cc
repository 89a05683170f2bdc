#include "convolution.h"

#include <ATen/autocast_mode.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/convolution_backward.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <array>

#include "processor.h"
#include "winograd.h"

namespace binding {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/** Which products of a convolution that is trained are Winograd's; the others are oneDNN's. */
struct Forms {
  /** Those that give the outputs, and the gradient of the inputs. */
  bool features;
  /** Those that give the gradient of the filters, which are of float32 then whatever the features are: that loses nothing. */
  bool filters;
};

/** Of features in float32 or bfloat16, with float32 filters. */
class TrainedConvolution : public torch::autograd::Function<TrainedConvolution> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight, int64_t dilation, Forms forms) {
    const auto shape = shapeOf(x, weight, dilation);
    const auto rounded = forms.features ? at::Tensor() : weight.to(shape.dtype);
    context->save_for_backward({x, weight, rounded});
    context->saved_data["dilation"] = dilation;
    context->saved_data["features"] = forms.features;
    context->saved_data["filters"] = forms.filters;
    if (forms.features) return winogradConvolution(x, winogradFilters(weight, shape.dtype), shape, {});
    return at::conv2d(x, rounded, std::nullopt, 1, dilation, dilation);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto &x = saved[0], &weight = saved[1], &rounded = saved[2], &gradient = gradients[0];
    const auto shape = shapeOf(x, weight, context->saved_data["dilation"].toInt());
    const Forms forms{context->saved_data["features"].toBool(), context->saved_data["filters"].toBool()};
    const bool wantsInputs = context->needs_input_grad(0), wantsWeight = context->needs_input_grad(1);
    at::Tensor ofInputs, ofWeight;
    if (wantsInputs && forms.features) ofInputs = winogradConvolution(gradient, winogradFilters(weight, shape.dtype, true), shape.turned(), {});
    if (wantsWeight && forms.filters) {
      const WinogradShape exact{at::kFloat, shape.inputs, shape.outputs, shape.dilation};
      ofWeight = winogradFilterGradient(x.to(at::kFloat), gradient.to(at::kFloat), exact, weight);
    }
    const bool directInputs = wantsInputs && !forms.features, directWeight = wantsWeight && !forms.filters;
    if (directInputs || directWeight) {
      const auto direct = directGradients(x, gradient, rounded.defined() ? rounded : weight.to(shape.dtype), shape.dilation, {directInputs, directWeight, false});
      if (directInputs) ofInputs = std::get<0>(direct);
      if (directWeight) ofWeight = std::get<1>(direct).to(at::kFloat);
    }
    return {ofInputs, ofWeight, at::Tensor(), at::Tensor()};
  }

 private:
  static WinogradShape shapeOf(const at::Tensor& x, const at::Tensor& weight, int64_t dilation) {
    return {x.scalar_type(), weight.size(1), weight.size(0), dilation};
  }

  static std::tuple<at::Tensor, at::Tensor, at::Tensor> directGradients(const at::Tensor& x, const at::Tensor& gradient, const at::Tensor& weight, int64_t d,
                                                                        std::array<bool, 3> wanted) {
    const std::array ones{int64_t{1}, int64_t{1}}, zeros{int64_t{0}, int64_t{0}}, dilation{d, d};
    return at::convolution_backward(gradient, x, weight, std::nullopt, ones, dilation, dilation, false, zeros, 1, wanted);
  }
};

bool isPlain(const at::Tensor& tensor) { return tensor.is_cpu() && tensor.dim() == 4 && tensor.numel() > 0; }

/** What an operation on them is computed in, under autocast or not. */
at::ScalarType computedIn(const at::Tensor& x) {
  return at::autocast::is_autocast_enabled(at::kCPU) ? at::autocast::get_autocast_dtype(at::kCPU) : x.scalar_type();
}

Forms formsOf(const at::Tensor& x, const at::Tensor& weight, at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation, int64_t groups) {
  constexpr Forms direct{false, false};
  // Measured with AVX512-BF16, of oneDNN's gradient of filters in bfloat16.
  constexpr double directCost = 0.53;
  const bool recorded = c10::GradMode::is_enabled() && (x.requires_grad() || weight.requires_grad());
  const auto dtype = computedIn(x);
  if (!recorded || !isPlain(x) || !isPlain(weight) || weight.scalar_type() != at::kFloat) return direct;
  if (x.scalar_type() != at::kFloat && x.scalar_type() != dtype) return direct;
  // AMX multiplies directly in less time.
  if (dtype == at::kBFloat16 && oneDnnUsesAmx()) return direct;
  const auto shape = winogradShape(dtype, weight.sizes(), stride, padding, dilation, groups);
  if (!shape || x.size(1) != shape->inputs) return direct;
  const bool features = winogradMultipliesLess(x.sizes(), *shape);
  if (dtype == at::kFloat) return {features, features};
  const WinogradShape exact{at::kFloat, shape->inputs, shape->outputs, shape->dilation};
  return {features, winogradMultipliesLess(x.sizes(), exact, {.direct = directCost})};
}

}  // namespace

at::Tensor convolution(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias, at::IntArrayRef stride, at::IntArrayRef padding,
                       at::IntArrayRef dilation, int64_t groups) {
  const auto forms = formsOf(x, weight, stride, padding, dilation, groups);
  if (!forms.features && !forms.filters) return at::conv2d(x, weight, bias, stride, padding, dilation, groups);
  const auto y = TrainedConvolution::apply(x.to(computedIn(x)), weight, dilation[0], forms);
  return bias ? y + bias->to(y.scalar_type()).view({1, -1, 1, 1}) : y;
}

}  // namespace binding
