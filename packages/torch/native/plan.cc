#include "plan.h"

#include <ATen/Context.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/flip.h>
#include <ATen/ops/upsample_bilinear2d.h>
#include <c10/core/GradMode.h>

#include <algorithm>
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
  if (op == "conv2d" && device_.is_cpu() && dtype_ != at::kHalf && at::hasMKLDNN()) {
    auto& weight = constants_.at(inputs.at(1));
    if (weight.is_mkldnn()) throw std::invalid_argument("conv2d: its weights are another convolution's");
    weight = packedWeight(weight, attributes);
  }
  steps_.push_back({operatorNamed(op), std::move(inputs), output, std::move(attributes), {}});
}

void Plan::finish(int64_t images, std::vector<int64_t> matrices, int64_t output) {
  images_ = images;
  matrices_ = std::move(matrices);
  output_ = output;
  int64_t last = std::max(images, output);
  for (const auto& step : steps_) last = std::max(last, step.output);
  for (const auto index : matrices_) last = std::max(last, index);
  constants_.resize(std::max<size_t>(constants_.size(), last + 1));
  // What is not packed may still be the caller's memory, which may change, and may be a corner of a whole file's.
  for (auto& constant : constants_) {
    if (constant.defined() && !constant.is_mkldnn()) constant = constant.clone();
  }
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

at::Tensor Plan::run(const at::Tensor& images, const std::vector<at::Tensor>& matrices) {
  c10::NoGradGuard noGrad;
  if (matrices.size() != matrices_.size()) throw std::invalid_argument("matrices: expected " + std::to_string(matrices_.size()));
  std::vector<at::Tensor> values(constants_);
  values[images_] = converted(images);
  for (size_t i = 0; i < matrices.size(); i++) values[matrices_[i]] = converted(matrices[i]);
  auto& own = sizes_.at(images.sizes().vec());
  // The second run of a size packs for the next what wants another order: sizes that come once are not worth it.
  const bool pack = own.runs++ == 1;
  if (pack) {
    own.weights.resize(steps_.size());
    orderFor_.clear();
  }
  std::vector<at::Tensor> read;
  for (size_t i = 0; i < steps_.size(); i++) {
    if (computingStops()) throw std::runtime_error("the process ends");
    const auto& step = steps_[i];
    read.clear();
    for (const auto index : step.inputs) read.push_back(index < 0 ? at::Tensor() : values[index]);
    const bool packed = read.size() > 1 && read[1].is_mkldnn();
    if (packed && !own.weights.empty() && own.weights[i].defined()) read[1] = own.weights[i];
    values[step.output] = step.run(step, read);
    if (packed && pack) own.weights[i] = weightFor(step, read[0].sizes());
    for (const auto index : step.lastUses) values[index] = at::Tensor();
  }
  return values[output_].to(at::kFloat);
}

const at::Tensor& Plan::weightFor(const Step& step, at::IntArrayRef inputSize) {
  const int64_t index = step.inputs[1];
  auto& known = orders_[index];
  if (known.empty()) known.push_back(constants_[index]);
  const auto attributes = withInputSize(step.attributes, inputSize);
  std::vector<int64_t> key(attributes.begin(), attributes.end());
  key.insert(key.end(), known[0].sizes().begin(), known[0].sizes().end());
  auto& order = orderFor_[key];
  const auto found = [&] { return std::find_if(known.begin(), known.end(), [&](const auto& one) { return orderOf(one) == order; }); };
  if (const auto at = found(); at != known.end()) return *at;
  const auto packed = packedWeight(known[0], attributes);
  order = orderOf(packed);
  if (const auto at = found(); at != known.end()) return *at;
  return known.emplace_back(packed);
}

at::Tensor Plan::withWorkspace(const std::vector<int64_t>& key, const std::function<at::Tensor()>& work) {
  lastWorkspace_ = &workspaces_.at(key);
  const Workspace::Scope scope(*lastWorkspace_);
  return work();
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

/** Kinds of work on a plan: with the sizes they are given, what their memory is laid out for. */
enum Kind : int64_t { outputs, windows, logits, labels };

std::vector<int64_t> keyOf(std::initializer_list<int64_t> kind, std::initializer_list<at::IntArrayRef> sizes) {
  std::vector<int64_t> key(kind);
  for (const auto size : sizes) key.insert(key.end(), size.begin(), size.end());
  return key;
}

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

FUNCTION(planFinish, "plan", "images", "matrices", "output") {
  planIn(call)->finish(call.integer(1), listOf(call.integers(2)), call.integer(3));
  return call.undefined();
}

// A promise of the output; the work is done off the event loop.
FUNCTION(planRun, "plan", "images", "matrices") {
  const auto work = [plan = planIn(call), images = call.tensor(1), matrices = call.tensors(2)] {
    return plan->withWorkspace(keyOf({Kind::outputs}, {images.sizes()}), [&] { return plan->run(images, matrices); });
  };
  return computeLater(call, work);
}

// A promise of the logits of a window of normalised images [n, 3, h, w], which is padded to `size`; with `flip` of n mirror images too.
FUNCTION(planWindow, "plan", "images", "corner", "window", "size", "flip", "matrices") {
  const auto work = [plan = planIn(call), images = call.tensor(1), corner = call.integers(2), window = call.integers(3), size = call.integers(4),
                     flip = call.boolean(5), matrices = call.tensors(6)] {
    c10::NoGradGuard noGrad;
    return plan->withWorkspace(keyOf({Kind::windows, images.size(0), flip}, {window, size}), [&] {
      const auto one = images.narrow(2, corner[0], window[0]).narrow(3, corner[1], window[1]);
      const auto views = flip ? at::cat({one, at::flip(one, {3})}) : one;
      return plan->run(at::constant_pad_nd(views, {0, size[1] - window[1], 0, size[0] - window[0]}), matrices);
    });
  };
  return computeLater(call, work);
}

// A promise of the logits [n, c, h, w] of normalised images [n, 3, h, w], which are padded to `size`, enlarged.
FUNCTION(planLogits, "plan", "images", "size", "alignCorners", "matrices") {
  const auto work = [plan = planIn(call), images = call.tensor(1), size = call.integers(2), alignCorners = call.boolean(3),
                     matrices = call.tensors(4)] {
    c10::NoGradGuard noGrad;
    return plan->withWorkspace(keyOf({Kind::logits}, {images.sizes(), size}), [&] {
      const int64_t h = images.size(2), w = images.size(3);
      const auto logits = plan->run(at::constant_pad_nd(images, {0, size[1] - w, 0, size[0] - h}), matrices);
      return at::upsample_bilinear2d(logits, size, alignCorners).narrow(2, 0, h).narrow(3, 0, w).contiguous().cpu();
    });
  };
  return computeLater(call, work);
}

// A promise of the class of each pixel of photographs, bytes [n, h, w, 3], which are padded to `size`.
FUNCTION(planLabels, "plan", "bytes", "table", "reversed", "size", "alignCorners", "matrices") {
  const auto work = [plan = planIn(call), bytes = call.tensor(1), table = call.tensor(2), reversed = call.boolean(3), size = call.integers(4),
                     alignCorners = call.boolean(5), matrices = call.tensors(6)] {
    c10::NoGradGuard noGrad;
    return plan->withWorkspace(keyOf({Kind::labels}, {bytes.sizes(), size}), [&] {
      const auto logits = plan->run(bytesToFeatures(bytes, table, size, plan->dtype(), reversed), matrices);
      return upsampledArgmax(logits, size, bytes.sizes().slice(1, 2), alignCorners).cpu();
    });
  };
  return computeLater(call, work);
}

// Bytes of the block that the last run's memory is laid out in; to be asked for when no run is under way.
FUNCTION(planWorkspaceBytes, "plan") { return call.result(planIn(call)->workspaceBytes()); }

FUNCTION(planDispose, "plan") {
  planIn(call).reset();
  return call.undefined();
}

}  // namespace binding
