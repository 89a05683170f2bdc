#include "convolution.h"

#include <ATen/autocast_mode.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/convolution_backward.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include "winograd.h"

namespace binding {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class WinogradConvolution : public torch::autograd::Function<WinogradConvolution> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight, int64_t dilation) {
    context->save_for_backward({x, weight});
    context->saved_data["dilation"] = dilation;
    return winogradConvolution(x, winogradFilters(weight, at::kFloat), {at::kFloat, weight.size(1), weight.size(0), dilation}, {});
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto &x = saved[0], &weight = saved[1], &gradient = gradients[0];
    const WinogradShape shape{at::kFloat, weight.size(1), weight.size(0), context->saved_data["dilation"].toInt()};
    at::Tensor ofInputs, ofWeight;
    if (context->needs_input_grad(0)) ofInputs = winogradConvolution(gradient, winogradFilters(weight, at::kFloat, true), shape.turned(), {});
    if (context->needs_input_grad(1)) ofWeight = winogradFilterGradient(x, gradient, shape, weight);
    return {ofInputs, ofWeight, at::Tensor()};
  }
};

bool isPlain(const at::Tensor& tensor) { return tensor.is_cpu() && tensor.scalar_type() == at::kFloat && tensor.dim() == 4 && tensor.numel() > 0; }

bool suitsWinograd(const at::Tensor& x, const at::Tensor& weight, at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation, int64_t groups) {
  const bool recorded = c10::GradMode::is_enabled() && (x.requires_grad() || weight.requires_grad());
  if (!recorded || !isPlain(x) || !isPlain(weight) || at::autocast::is_autocast_enabled(at::kCPU)) return false;
  const auto shape = winogradShape(x.scalar_type(), weight.sizes(), stride, padding, dilation, groups);
  return shape && x.size(1) == shape->inputs && winogradMultipliesLess(x.sizes(), *shape);
}

}  // namespace

at::Tensor convolution(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias, at::IntArrayRef stride, at::IntArrayRef padding,
                       at::IntArrayRef dilation, int64_t groups) {
  if (!suitsWinograd(x, weight, stride, padding, dilation, groups)) return at::conv2d(x, weight, bias, stride, padding, dilation, groups);
  const auto y = WinogradConvolution::apply(x, weight, dilation[0]);
  return bias ? y + bias->view({1, -1, 1, 1}) : y;
}

}  // namespace binding
