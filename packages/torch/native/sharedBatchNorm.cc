#include "sharedBatchNorm.h"

#include <ATen/ops/addcmul.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/threshold_backward.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

namespace binding {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/** A number for each channel, for features. */
at::Tensor each(const at::Tensor& channels) { return channels.view({1, -1, 1, 1}); }

at::Tensor sumOf(const at::Tensor& x) { return x.sum({0, 2, 3}, false, at::kDouble); }

/** What features are computed in: none narrower than float32. */
at::ScalarType exact(const at::Tensor& x) { return x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat; }

class Shared : public torch::autograd::Function<Shared> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                            const std::optional<at::Tensor>& residual, const BatchNormState& state, const BatchNormOptions& options, bool relu,
                            const c10::intrusive_ptr<ProcessGroup>& group) {
    const double count = double(x.numel() / x.size(1)) * group->size, momentum = options.momentum;
    const auto type = exact(x);
    const auto sums = at::stack({sumOf(x), sumOf(x.to(type).square())});
    group->sum(sums);
    const auto mean = sums[0].div(count), variance = sums[1].div(count).sub(mean.square()).clamp_min_(0);
    state.runningMean.mul_(1 - momentum).add_(mean, momentum);
    state.runningVar.mul_(1 - momentum).add_(variance, momentum * count / (count - 1));
    const auto inverse = variance.add(options.eps).rsqrt_();
    const auto scale = weight.mul(inverse).to(type);
    const auto shift = bias.sub(mean.mul(scale)).to(type);
    auto y = at::addcmul(each(shift), x.to(type), each(scale));
    if (residual) y.add_(*residual);
    if (relu) y.relu_();
    y = y.to(x.scalar_type());
    context->save_for_backward({x, relu ? y : at::Tensor(), mean, inverse, scale});
    context->saved_data["count"] = count;
    context->saved_data["group"] = c10::IValue::make_capsule(group);
    context->saved_data["residual"] = residual.has_value();
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto &x = saved[0], &y = saved[1], &mean = saved[2], &inverse = saved[3], &scale = saved[4];
    const auto group = c10::static_intrusive_pointer_cast<ProcessGroup>(context->saved_data["group"].toCapsule());
    const double count = context->saved_data["count"].toDouble();
    const auto type = exact(x);
    const auto gradient = y.defined() ? at::threshold_backward(gradients[0], y, 0) : gradients[0];
    const auto deviations = x.to(type).sub(each(mean.to(type)));
    const auto wide = gradient.to(type);
    const auto sums = at::stack({sumOf(wide), sumOf(wide.mul(deviations))});
    // The weight's and bias's are of this rank's samples: whoever adds up gradients over ranks does so with them.
    const auto ofWeight = sums[1].mul(inverse).to(scale.scalar_type()), ofBias = sums[0].to(scale.scalar_type());
    at::Tensor ofInputs;
    if (context->needs_input_grad(0)) {
      const auto all = sums.clone();
      group->sum(all);
      const auto offset = all[0].div(count).to(type), slope = all[1].mul(inverse.square()).div(count).to(type);
      ofInputs = at::addcmul(wide.sub(each(offset)), deviations, each(slope), -1).mul_(each(scale)).to(x.scalar_type());
    }
    const bool residual = context->saved_data["residual"].toBool();
    return {ofInputs, ofWeight, ofBias, residual ? gradient : at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor sharedBatchNorm(const at::Tensor& x, const BatchNormState& state, const std::optional<at::Tensor>& residual, const BatchNormOptions& options,
                           bool relu, const c10::intrusive_ptr<ProcessGroup>& group) {
  TORCH_CHECK(x.dim() == 4 && x.is_floating_point() && x.numel() > 0, "expected features [n, c, h, w] that several ranks can normalise, found ",
              x.scalar_type(), " ", x.sizes());
  return Shared::apply(x, state.weight, state.bias, residual, state, options, relu, group);
}

}  // namespace binding
