#include "convolution.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/autocast_mode.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/convolution_backward.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <array>
#include <optional>

#include "filterGradient.h"
#include "processor.h"
#include "winograd.h"

namespace binding {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/** How the gradient of filters is computed: in Winograd's form, of float32 whatever the features are, which loses nothing; or paired. */
enum class FilterForm : int64_t { winograd, paired };

/** How a convolution that is trained is computed. */
struct Forms {
  /** Whether the outputs, and the gradient of the inputs, are so in Winograd's form. Else they are oneDNN's. */
  bool winograd;
  FilterForm filters;
};

/** Of features in float32 or bfloat16, with float32 filters. */
class TrainedConvolution : public torch::autograd::Function<TrainedConvolution> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight, int64_t padding, int64_t dilation, Forms forms) {
    const auto rounded = forms.winograd ? at::Tensor() : weight.to(x.scalar_type());
    context->save_for_backward({x, weight, rounded});
    context->saved_data["padding"] = padding;
    context->saved_data["dilation"] = dilation;
    context->saved_data["winograd"] = forms.winograd;
    context->saved_data["filters"] = static_cast<int64_t>(forms.filters);
    if (!forms.winograd) return at::conv2d(x, rounded, std::nullopt, 1, padding, dilation);
    const auto shape = winogradShapeOf(x, weight, dilation);
    return winogradConvolution(x, winogradFilters(weight, shape.dtype), shape, {});
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto &x = saved[0], &weight = saved[1], &rounded = saved[2], &gradient = gradients[0];
    const int64_t padding = context->saved_data["padding"].toInt(), dilation = context->saved_data["dilation"].toInt();
    const bool winograd = context->saved_data["winograd"].toBool();
    const auto form = static_cast<FilterForm>(context->saved_data["filters"].toInt());
    const bool wantsInputs = context->needs_input_grad(0), wantsWeight = context->needs_input_grad(1);
    at::Tensor ofInputs, ofWeight;
    if (wantsInputs && winograd) {
      const auto shape = winogradShapeOf(x, weight, dilation);
      ofInputs = winogradConvolution(gradient, winogradFilters(weight, shape.dtype, true), shape.turned(), {});
    }
    if (wantsWeight && form == FilterForm::winograd) {
      const WinogradShape exact{at::kFloat, weight.size(1), weight.size(0), dilation};
      ofWeight = winogradFilterGradient(x.to(at::kFloat), gradient.to(at::kFloat), exact, weight);
    }
    if (wantsWeight && form == FilterForm::paired) {
      ofWeight = filterGradient(x, gradient, {weight.size(1), weight.size(0), weight.size(2), dilation}, weight);
    }
    if (wantsInputs && !winograd) {
      const std::array ones{int64_t{1}, int64_t{1}}, zeros{int64_t{0}, int64_t{0}}, paddings{padding, padding}, dilations{dilation, dilation};
      const std::array inputsAlone{true, false, false};
      ofInputs = std::get<0>(at::convolution_backward(gradient, x, rounded, std::nullopt, ones, paddings, dilations, false, zeros, 1, inputsAlone));
    }
    return {ofInputs, ofWeight, at::Tensor(), at::Tensor(), at::Tensor()};
  }

 private:
  static WinogradShape winogradShapeOf(const at::Tensor& x, const at::Tensor& weight, int64_t dilation) {
    return {x.scalar_type(), weight.size(1), weight.size(0), dilation};
  }
};

bool isPlain(const at::Tensor& tensor) { return tensor.is_cpu() && tensor.dim() == 4 && tensor.numel() > 0; }

/** What an operation on them is computed in, under autocast or not. */
at::ScalarType computedIn(const at::Tensor& x) {
  return at::autocast::is_autocast_enabled(at::kCPU) ? at::autocast::get_autocast_dtype(at::kCPU) : x.scalar_type();
}

/** Of a convolution that is to be trained; nothing for libtorch's own. */
std::optional<Forms> formsOf(const at::Tensor& x, const at::Tensor& weight, at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation,
                             int64_t groups) {
  // Measured with AVX512-BF16, of the paired gradient of filters.
  constexpr WinogradCosts paired{.direct = 0.44};
  const bool recorded = c10::GradMode::is_enabled() && (x.requires_grad() || weight.requires_grad());
  const auto dtype = computedIn(x);
  if (!recorded || !isPlain(x) || !isPlain(weight) || weight.scalar_type() != at::kFloat || x.size(1) != weight.size(1)) return std::nullopt;
  if (x.scalar_type() != at::kFloat && x.scalar_type() != dtype) return std::nullopt;
  // AMX multiplies directly in less time.
  if (dtype == at::kBFloat16 && oneDnnUsesAmx()) return std::nullopt;
  const auto shape = winogradShape(dtype, weight.sizes(), stride, padding, dilation, groups);
  const bool winograd = shape && winogradMultipliesLess(x.sizes(), *shape);
  if (dtype == at::kFloat) return winograd ? std::optional<Forms>({true, FilterForm::winograd}) : std::nullopt;
  if (!filterGradientShape(dtype, weight.sizes(), stride, padding, dilation, groups)) return std::nullopt;
  const auto exact = winogradShape(at::kFloat, weight.sizes(), stride, padding, dilation, groups);
  return Forms{winograd, exact && winogradMultipliesLess(x.sizes(), *exact, paired) ? FilterForm::winograd : FilterForm::paired};
}

/**
 * On one thread libtorch multiplies 1x1 filters in float32 by MKL, which has no AVX-512 for AMD's processors: a step of PSPNet-50 takes
 * 0.65 of the time with oneDNN there. It takes oneDNN where filters are dilated, which of 1x1 ones changes nothing else.
 */
at::IntArrayRef preferOneDnn(const at::Tensor& x, const at::Tensor& weight, at::IntArrayRef dilation) {
#if defined(__x86_64__) && defined(__GNUC__)
  static const bool amd = __builtin_cpu_is("amd") && at::get_cpu_capability().starts_with("AVX512");
  static constexpr std::array<int64_t, 2> dilated{2, 2};
  const bool pointwise = isPlain(x) && weight.dim() == 4 && weight.size(2) == 1 && weight.size(3) == 1;
  if (amd && pointwise && computedIn(x) == at::kFloat && at::get_num_threads() == 1) return dilated;
#endif
  return dilation;
}

}  // namespace

at::Tensor convolution(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias, at::IntArrayRef stride, at::IntArrayRef padding,
                       at::IntArrayRef dilation, int64_t groups) {
  const auto forms = formsOf(x, weight, stride, padding, dilation, groups);
  if (!forms) return at::conv2d(x, weight, bias, stride, padding, preferOneDnn(x, weight, dilation), groups);
  const auto y = TrainedConvolution::apply(x.to(computedIn(x)), weight, padding[0], dilation[0], *forms);
  return bias ? y + bias->to(y.scalar_type()).view({1, -1, 1, 1}) : y;
}

}  // namespace binding
