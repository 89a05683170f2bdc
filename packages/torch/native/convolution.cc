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

/** oneDNN's, in bfloat16. */
at::Tensor directFilterGradient(const at::Tensor& x, const at::Tensor& gradient, const WinogradShape& shape, const at::Tensor& weight) {
  const std::array ones{int64_t{1}, int64_t{1}}, zeros{int64_t{0}, int64_t{0}}, dilation{shape.dilation, shape.dilation};
  const auto gradients = at::convolution_backward(gradient, x, weight.to(shape.dtype), std::nullopt, ones, dilation, dilation, false, zeros, 1,
                                                  {false, true, false});
  return std::get<1>(gradients).to(weight.scalar_type());
}

/** Of inputs in float32 or bfloat16; filters are float32. */
class WinogradConvolution : public torch::autograd::Function<WinogradConvolution> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight, int64_t dilation) {
    context->save_for_backward({x, weight});
    context->saved_data["dilation"] = dilation;
    const auto shape = shapeOf(x, weight, dilation);
    return winogradConvolution(x, winogradFilters(weight, shape.dtype), shape, {});
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto &x = saved[0], &weight = saved[1], &gradient = gradients[0];
    const auto shape = shapeOf(x, weight, context->saved_data["dilation"].toInt());
    at::Tensor ofInputs, ofWeight;
    if (context->needs_input_grad(0)) ofInputs = winogradConvolution(gradient, winogradFilters(weight, shape.dtype, true), shape.turned(), {});
    if (context->needs_input_grad(1)) {
      ofWeight = (shape.dtype == at::kFloat ? winogradFilterGradient : directFilterGradient)(x, gradient, shape, weight);
    }
    return {ofInputs, ofWeight, at::Tensor()};
  }

 private:
  static WinogradShape shapeOf(const at::Tensor& x, const at::Tensor& weight, int64_t dilation) {
    return {x.scalar_type(), weight.size(1), weight.size(0), dilation};
  }
};

bool isPlain(const at::Tensor& tensor) { return tensor.is_cpu() && tensor.dim() == 4 && tensor.numel() > 0; }

/** What an operation on them is computed in, under autocast or not. */
at::ScalarType computedIn(const at::Tensor& x) {
  return at::autocast::is_autocast_enabled(at::kCPU) ? at::autocast::get_autocast_dtype(at::kCPU) : x.scalar_type();
}

bool suitsWinograd(const at::Tensor& x, const at::Tensor& weight, at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation, int64_t groups) {
  const bool recorded = c10::GradMode::is_enabled() && (x.requires_grad() || weight.requires_grad());
  const auto dtype = computedIn(x);
  if (!recorded || !isPlain(x) || !isPlain(weight) || weight.scalar_type() != at::kFloat) return false;
  if (x.scalar_type() != at::kFloat && x.scalar_type() != dtype) return false;
  // AMX multiplies directly in less time.
  if (dtype == at::kBFloat16 && oneDnnUsesAmx()) return false;
  const auto shape = winogradShape(dtype, weight.sizes(), stride, padding, dilation, groups);
  return shape && x.size(1) == shape->inputs && winogradMultipliesLess(x.sizes(), *shape);
}

}  // namespace

at::Tensor convolution(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias, at::IntArrayRef stride, at::IntArrayRef padding,
                       at::IntArrayRef dilation, int64_t groups) {
  if (!suitsWinograd(x, weight, stride, padding, dilation, groups)) return at::conv2d(x, weight, bias, stride, padding, dilation, groups);
  const auto y = WinogradConvolution::apply(x.to(computedIn(x)), weight, dilation[0]);
  return bias ? y + bias->to(y.scalar_type()).view({1, -1, 1, 1}) : y;
}

}  // namespace binding
