// Gradients, gradient mode and autocast.
#include <ATen/autocast_mode.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <stdexcept>

#include "call.h"

namespace binding {

FUNCTION(backward, "self", "gradient", "retainGraph") {
  const auto gradient = call.optionalTensor(1);
  call.tensor(0).backward(gradient ? *gradient : at::Tensor(), call.absent(2) ? false : call.boolean(2));
  return call.undefined();
}

FUNCTION(backwardFrom, "tensors", "gradients") {
  torch::autograd::backward(call.tensors(0), call.tensors(1));
  return call.undefined();
}

FUNCTION(requiresGrad, "self") { return call.result(call.tensor(0).requires_grad()); }

FUNCTION(setRequiresGrad, "self", "value") {
  call.tensor(0).requires_grad_(call.boolean(1));
  return call.undefined();
}

FUNCTION(grad, "self") {
  const auto& gradient = call.tensor(0).grad();
  return gradient.defined() ? call.result(gradient) : call.undefined();
}

FUNCTION(setGrad, "self", "gradient") {
  const auto gradient = call.optionalTensor(1);
  call.tensor(0).mutable_grad() = gradient ? *gradient : at::Tensor();
  return call.undefined();
}

FUNCTION(gradMode) { return call.result(c10::GradMode::is_enabled()); }

FUNCTION(setGradMode, "enabled") {
  c10::GradMode::set_enabled(call.boolean(0));
  return call.undefined();
}

// The parts of torch.autocast that keep state: a device's switch and type, and the cache of cast weights, which is
// emptied when the outermost scope ends.
FUNCTION(enterAutocast, "device", "dtype", "enabled") {
  // Nothing is entered unless all of it is.
  const auto type = call.device(0).type();
  const auto dtype = call.dtype(1);
  const bool enabled = call.boolean(2);
  if (!at::isReducedFloatingType(dtype) && dtype != at::kFloat) throw std::invalid_argument("dtype: expected bfloat16, float16 or float32");
  at::autocast::set_autocast_dtype(type, dtype);
  at::autocast::set_autocast_enabled(type, enabled);
  at::autocast::increment_nesting();
  return call.undefined();
}

FUNCTION(leaveAutocast, "device", "dtype", "enabled") {
  const auto type = call.device(0).type();
  at::autocast::set_autocast_dtype(type, call.dtype(1));
  at::autocast::set_autocast_enabled(type, call.boolean(2));
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  return call.undefined();
}

FUNCTION(autocastEnabled, "device") { return call.result(at::autocast::is_autocast_enabled(call.device(0).type())); }

FUNCTION(autocastDtype, "device") {
  return call.result(std::string(dtypeName(at::autocast::get_autocast_dtype(call.device(0).type()))));
}

}  // namespace binding
