// torch.optim.SGD with fused=True: one multi-tensor step a parameter group.
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>
#include <c10/core/GradMode.h>

#include "call.h"

namespace binding {

namespace {

/** The parameters of a step that have a gradient, with their gradients and momenta. */
struct Batch {
  std::vector<at::Tensor> parameters, gradients, momenta;
};

at::Tensor inLayoutOf(const at::Tensor& parameter, const at::Tensor& gradient) {
  // The fused kernel walks both memories side by side.
  if (gradient.strides() == parameter.strides() && gradient.scalar_type() == parameter.scalar_type()) return gradient;
  return at::empty_like(parameter).copy_(gradient);
}

}  // namespace

// Returns the momenta that this step created, in the order of `parameters`; null where there was one or none is needed.
FUNCTION(sgdStep, "parameters", "momenta", "lr", "momentum", "weightDecay", "dampening", "nesterov") {
  c10::NoGradGuard noGrad;
  const auto parameters = call.tensors(0);
  auto momenta = call.tensors(1, true);
  const double lr = call.number(2), momentum = call.number(3), weightDecay = call.number(4), dampening = call.number(5);
  const bool nesterov = call.boolean(6);
  std::vector<at::Tensor> created(parameters.size());
  Batch first, later;
  for (size_t i = 0; i < parameters.size(); i++) {
    const auto& gradient = parameters[i].grad();
    if (!gradient.defined()) continue;
    const bool fresh = momentum != 0 && !momenta[i].defined();
    if (fresh) momenta[i] = created[i] = at::empty_like(parameters[i]);
    Batch& batch = fresh ? first : later;
    batch.parameters.push_back(parameters[i]);
    batch.gradients.push_back(inLayoutOf(parameters[i], gradient));
    if (momentum != 0) batch.momenta.push_back(momenta[i]);
  }
  for (auto* batch : {&first, &later}) {
    if (batch->parameters.empty()) continue;
    at::_fused_sgd_(batch->parameters, batch->gradients, batch->momenta, weightDecay, momentum, lr, dampening, nesterov,
                    /*maximize=*/false, /*is_first_step=*/batch == &first);
  }
  return call.result(created);
}

FUNCTION(clearGradients, "parameters") {
  for (const auto& parameter : call.tensors(0)) parameter.mutable_grad() = at::Tensor();
  return call.undefined();
}

FUNCTION(gradientNorm, "parameters") {
  c10::NoGradGuard noGrad;
  std::vector<at::Tensor> gradients;
  for (const auto& parameter : call.tensors(0)) {
    if (parameter.grad().defined()) gradients.push_back(parameter.grad());
  }
  if (gradients.empty()) return call.result(0.0);
  return call.result(at::linalg_vector_norm(at::stack(at::_foreach_norm(gradients))).item<double>());
}

}  // namespace binding
