#include "plan.h"

#include <c10/core/InferenceMode.h>

#include <memory>
#include <stdexcept>

#include "bytesToFeatures.h"
#include "computeThread.h"
#include "upsampledArgmax.h"

namespace binding {

at::Tensor Plan::converted(const at::Tensor& value) const {
  const bool number = value.is_floating_point();
  const auto there = value.to(device_, number ? dtype_ : value.scalar_type());
  return there.dim() == 4 ? there.contiguous(at::MemoryFormat::ChannelsLast) : there.contiguous();
}

void Plan::constant(int64_t index, const at::Tensor& value) {
  if (index >= static_cast<int64_t>(constants_.size())) constants_.resize(index + 1);
  constants_[index] = converted(value);
}

void Plan::add(const std::string& op, std::vector<int64_t> inputs, int64_t output, Integers attributes) {
  if (op == "conv2d" && device_.is_cpu()) {
    auto& weight = constants_.at(inputs.at(1));
    if (weight.is_mkldnn()) throw std::invalid_argument("conv2d: its weights are another convolution's");
    weight = packedWeight(weight, attributes);
  }
  steps_.push_back({operatorNamed(op), std::move(inputs), output, std::move(attributes), {}});
}

void Plan::finish(std::vector<int64_t> inputs, int64_t output) {
  inputs_ = std::move(inputs);
  output_ = output;
  int64_t last = output;
  for (const auto& step : steps_) last = std::max(last, step.output);
  for (const auto index : inputs_) last = std::max(last, index);
  constants_.resize(std::max<size_t>(constants_.size(), last + 1));
  std::vector<bool> needed(constants_.size(), false);
  needed.at(output_) = true;
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    for (const auto index : step->inputs) {
      if (index < 0 || needed.at(index) || constants_[index].defined()) continue;
      needed[index] = true;
      step->lastUses.push_back(index);
    }
  }
}

at::Tensor Plan::run(const std::vector<at::Tensor>& inputs) const {
  c10::InferenceMode inference;
  if (inputs.size() != inputs_.size()) throw std::invalid_argument("inputs: expected " + std::to_string(inputs_.size()));
  std::vector<at::Tensor> values(constants_);
  for (size_t i = 0; i < inputs.size(); i++) values[inputs_[i]] = converted(inputs[i]);
  std::vector<at::Tensor> read;
  for (const auto& step : steps_) {
    read.clear();
    for (const auto index : step.inputs) read.push_back(index < 0 ? at::Tensor() : values[index]);
    values[step.output] = step.run(step, read);
    for (const auto index : step.lastUses) values[index] = at::Tensor();
  }
  return values[output_].to(at::kFloat);
}

namespace {

constexpr napi_type_tag planTag{0x2f6d0c9be1a74583, 0xb41d7e35906ac2f8};

using SharedPlan = std::shared_ptr<Plan>;

SharedPlan& planIn(const Call& call) {
  bool tagged = false;
  void* data = nullptr;
  if (napi_check_object_type_tag(call.env(), call.raw(0), &planTag, &tagged) != napi_ok || !tagged) {
    throw std::invalid_argument("plan: expected a plan");
  }
  call.check(napi_get_value_external(call.env(), call.raw(0), &data));
  auto& plan = *static_cast<SharedPlan*>(data);
  if (!plan) throw std::invalid_argument("plan: it is disposed");
  return plan;
}

std::vector<int64_t> listOf(const Integers& integers) { return {integers.begin(), integers.end()}; }

}  // namespace

FUNCTION(planCreate, "dtype", "device") {
  auto plan = std::make_unique<SharedPlan>(std::make_shared<Plan>(call.dtype(0), call.device(1)));
  napi_value value;
  const auto finalize = [](napi_env, void* data, void*) { delete static_cast<SharedPlan*>(data); };
  call.check(napi_create_external(call.env(), plan.get(), finalize, nullptr, &value));
  plan.release();
  call.check(napi_type_tag_object(call.env(), value, &planTag));
  return value;
}

FUNCTION(planConstant, "plan", "index", "value") {
  planIn(call)->constant(call.integer(1), call.tensor(2));
  return call.undefined();
}

FUNCTION(planAdd, "plan", "operator", "inputs", "output", "attributes") {
  planIn(call)->add(call.string(1), listOf(call.integers(2)), call.integer(3), call.integers(4));
  return call.undefined();
}

FUNCTION(planFinish, "plan", "inputs", "output") {
  planIn(call)->finish(listOf(call.integers(1)), call.integer(2));
  return call.undefined();
}

// A promise of the output; the work is done off the event loop.
FUNCTION(planRun, "plan", "inputs") {
  return computeLater(call, [plan = planIn(call), inputs = call.tensors(1)] { return plan->run(inputs); });
}

// A promise of the class of each pixel of photographs, bytes [n, h, w, 3]. `size` is what they are padded to, `matrices` the inputs
// after the first.
FUNCTION(planLabels, "plan", "bytes", "table", "size", "alignCorners", "matrices") {
  const auto work = [plan = planIn(call), bytes = call.tensor(1), table = call.tensor(2), size = call.integers(3), alignCorners = call.boolean(4),
                     matrices = call.tensors(5)] {
    c10::InferenceMode inference;
    std::vector<at::Tensor> inputs{bytesToFeatures(bytes, table, size, plan->dtype())};
    inputs.insert(inputs.end(), matrices.begin(), matrices.end());
    return upsampledArgmax(plan->run(inputs), size, bytes.sizes().slice(1, 2), alignCorners).cpu();
  };
  return computeLater(call, work);
}

FUNCTION(planDispose, "plan") {
  planIn(call).reset();
  return call.undefined();
}

}  // namespace binding
