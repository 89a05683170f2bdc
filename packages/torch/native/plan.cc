#include "plan.h"

#include <ATen/Context.h>
#include <ATen/ops/isfinite.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "bilinear.h"
#include "bytesToFeatures.h"
#include "computeThread.h"
#include "parallel.h"
#include "upsampledArgmax.h"
#include "winogradChoice.h"

namespace binding {

namespace {

/** The same on one thread: where a team of threads is at work, libraries start none of their own. */
Compute onOneThread(const Compute& compute) {
  return [compute](const Values& in) {
    at::Tensor value;
    parallelFor(2, 1, [&](int64_t begin, int64_t) {
      if (begin == 0) value = compute(in);
    });
    return value;
  };
}

}  // namespace

at::Tensor Plan::converted(const at::Tensor& value) const {
  const bool number = value.is_floating_point();
  const auto there = value.to(device_, number ? dtype_ : value.scalar_type());
  return there.dim() == 4 ? there.contiguous(at::MemoryFormat::ChannelsLast) : there.contiguous();
}

void Plan::constant(int64_t index, const at::Tensor& value, bool exact) {
  if (index >= static_cast<int64_t>(constants_.size())) constants_.resize(index + 1);
  const auto own = exact ? value.to(device_) : converted(value);
  constants_[index] = own.is_alias_of(value) ? own.clone() : own;
}

void Plan::add(const Operator& op, std::vector<int64_t> inputs, int64_t output, const Call& attributes) {
  const std::string name = op.signature.name;
  TORCH_CHECK(inputs.size() >= op.leastInputs && inputs.size() <= op.mostInputs, name, ": expected ", op.leastInputs, " inputs or more, found ", inputs.size());
  if (op.mostInputs != SIZE_MAX) inputs.resize(op.mostInputs, -1);
  Step step{op.compile(attributes), std::move(inputs), output, std::nullopt, name == "enlargeMatrix", {}};
  if (name == "conv2d" && canPack(dtype_, device_)) {
    const int64_t index = step.inputs[1];
    TORCH_CHECK(index >= 0 && index < static_cast<int64_t>(constants_.size()) && constants_[index].defined(), "conv2d: its weights are not known");
    auto& weight = constants_[index];
    step.convolution.emplace(attributes);
    // Those of a layer that is applied twice keep the order that the first wants.
    if (!weight.is_mkldnn()) weight = step.convolution->packed(weight, attributes.integers(5, 4));
  }
  if (op.pack != nullptr) {
    const int64_t index = step.inputs[1], other = step.inputs[2];
    const auto known = [&](int64_t i) { return i >= 0 && i < static_cast<int64_t>(constants_.size()) && constants_[i].defined(); };
    TORCH_CHECK(known(index) && known(other), name, ": its weights are not known");
    if (!constants_[index].is_mkldnn()) op.pack(attributes, constants_[index], constants_[other]);
  }
  // On another number of threads MKL adds up in another order. These products are a small part of a network's.
  if (reproducible_ && (name == "matmul" || name == "linear")) step.compute = onOneThread(step.compute);
  steps_.push_back(std::move(step));
}

void Plan::finish(int64_t images, int64_t output) {
  images_ = images;
  output_ = output;
  int64_t last = std::max(images, output);
  for (const auto& step : steps_) last = std::max(last, step.output);
  constants_.resize(std::max<size_t>(constants_.size(), last + 1));
  std::vector<bool> known(constants_.size(), false), needed(constants_.size(), false);
  for (size_t i = 0; i < known.size(); i++) known[i] = constants_[i].defined();
  known.at(images_) = true;
  for (const auto& step : steps_) {
    for (const auto index : step.inputs) TORCH_CHECK(index < 0 || known.at(index), "value ", index, ": expected it to be given before it is read");
    known.at(step.output) = true;
  }
  TORCH_CHECK(known.at(output_), "value ", output_, ": expected the output to be given");
  needed.at(output_) = true;
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    for (const auto index : step->inputs) {
      if (index < 0 || needed.at(index) || constants_[index].defined()) continue;
      needed[index] = true;
      step->lastUses.push_back(index);
    }
  }
}

at::Tensor Plan::run(const at::Tensor& images) {
  std::vector<at::Tensor> values(constants_);
  values.at(images_) = converted(images);
  auto& own = sizes_.at(images.sizes().vec());
  own.inputs.resize(steps_.size());
  own.weights.resize(steps_.size());
  own.filters.resize(steps_.size());
  own.values.resize(steps_.size());
  Values read;
  for (size_t i = 0; i < steps_.size(); i++) {
    if (computingStops()) throw std::runtime_error("the process ends");
    const auto& step = steps_[i];
    read.clear();
    for (const auto index : step.inputs) read.push_back(index < 0 ? at::Tensor() : values[index]);
    const bool fresh = step.convolution && own.inputs[i].empty();
    if (fresh) own.filters[i] = filtersFor(step, read[0].sizes());
    if (own.weights[i].defined()) read[1] = own.weights[i];
    const bool winograd = own.filters[i].defined();
    auto& value = step.ofSizeAlone ? own.values[i] : values[step.output];
    if (!value.defined()) value = winograd ? winogradStep(*step.convolution, read, own.filters[i]) : step.compute(read);
    values[step.output] = value;
    if (fresh) own.inputs[i] = read[0].sizes().vec();
    if (fresh && winograd) own.winograd.push_back(step.output);
    for (const auto index : step.lastUses) values[index] = at::Tensor();
  }
  return values[output_].to(at::kFloat);
}

at::Tensor Plan::perform(const std::vector<int64_t>& key, at::IntArrayRef images, const std::function<at::Tensor()>& work) {
  const c10::NoGradGuard noGrad;
  auto& own = sizes_.at(images.vec());
  if (own.runs++ == 1) layWeightsOut(own);
  auto& workspace = own.workspaces.at(key);
  at::Tensor result;
  {
    const Workspace::Scope scope(workspace);
    result = work();
  }
  const std::lock_guard lock(winogradMutex_);
  winograd_ = own.winograd;
  blockSize_ = static_cast<int64_t>(workspace.size());
  served_ = workspace.served();
  return result;
}

void Plan::layWeightsOut(ForSize& own) {
  orderFor_.clear();
  bool changed = false;
  for (size_t i = 0; i < own.inputs.size(); i++) {
    if (own.inputs[i].empty()) continue;
    if (!own.filters[i].defined()) own.weights[i] = weightFor(steps_[i], own.inputs[i]);
    changed = changed || own.filters[i].defined() || !own.weights[i].is_same(constants_[steps_[i].inputs[1]]);
  }
  // Of sizes that are long gone.
  std::erase_if(filters_, [](const auto& one) { return one.second.use_count() == 1; });
  // Without the old order a run no longer takes the memory that it was seen to take.
  if (changed) own.workspaces.clear();
}

at::Tensor Plan::filtersFor(const Step& step, at::IntArrayRef inputSize) {
  const int64_t index = step.inputs[1];
  const auto& weight = constants_[index];
  if (!winogradSuits(*step.convolution, weight, inputSize)) return {};
  const auto [found, fresh] = filters_.try_emplace(index);
  if (fresh) {
    const auto filters = winogradFilters(weight.to_dense(), dtype_);
    if (winogradIsClose(*step.convolution, weight, filters)) found->second = filters;
  }
  return found->second;
}

const at::Tensor& Plan::weightFor(const Step& step, at::IntArrayRef inputSize) {
  const int64_t index = step.inputs[1];
  auto& known = orders_[index];
  if (known.empty()) known.push_back(constants_[index]);
  const auto& convolution = *step.convolution;
  std::vector<int64_t> key(inputSize.vec());
  for (const auto sizes : {at::IntArrayRef(convolution.stride), at::IntArrayRef(convolution.padding), at::IntArrayRef(convolution.dilation), known[0].sizes()}) {
    key.insert(key.end(), sizes.begin(), sizes.end());
  }
  key.push_back(convolution.groups);
  auto& order = orderFor_[key];
  const auto found = [&] { return std::find_if(known.begin(), known.end(), [&](const auto& one) { return orderOf(one) == order; }); };
  if (const auto at = found(); at != known.end()) return *at;
  const auto packed = convolution.packed(known[0], inputSize);
  order = orderOf(packed);
  if (const auto at = found(); at != known.end()) return *at;
  return known.emplace_back(packed);
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

/** Throws where logits are infinite or NaN: the class of a pixel would mean nothing. */
const at::Tensor& finite(const at::Tensor& logits) {
  if (at::isfinite(logits).all().item<bool>()) return logits;
  throw NotFinite("the network's logits are not finite");
}

ByteInput byteInput(const Call& call, size_t index) { return {call.tensor(index), call.boolean(index + 1)}; }

/** Kinds of work on a plan: with the sizes of what they look at, what their memory is laid out for. */
enum Kind : int64_t { outputs, windows, logits, labels };

}  // namespace

FUNCTION(planCreate, "dtype", "device", "reproducible") {
  auto plan = std::make_unique<SharedPlan>(std::make_shared<Plan>(call.dtype(0), call.device(1), call.boolean(2)));
  napi_value value;
  const auto finalize = [](napi_env, void* data, void*) { delete static_cast<SharedPlan*>(data); };
  call.check(napi_create_external(call.env(), plan.get(), finalize, nullptr, &value));
  plan.release();
  call.check(napi_type_tag_object(call.env(), value, &planTag));
  return value;
}

FUNCTION(planConstant, "plan", "index", "value", "exact") {
  planIn(call)->constant(call.integer(1, 0, Call::maximumLength), call.tensor(2), call.boolean(3));
  return call.undefined();
}

FUNCTION(planAdd, "plan", "operator", "inputs", "output", "attributes") {
  const auto& op = operatorNamed(call.string(1));
  planIn(call)->add(op, listOf(call.integers(2)), call.integer(3, 0, Call::maximumLength), Call(call, 4, op.signature));
  return call.undefined();
}

FUNCTION(planFinish, "plan", "images", "output") {
  planIn(call)->finish(call.integer(1, 0, Call::maximumLength), call.integer(2, 0, Call::maximumLength));
  return call.undefined();
}

// A promise of the output; the work is done off the event loop.
FUNCTION(planRun, "plan", "images") {
  const auto work = [plan = planIn(call), images = call.tensor(1)] {
    return plan->perform({Kind::outputs}, images.sizes(), [&] { return plan->run(images); });
  };
  return computeLater(call, work);
}

// A promise of the logits of windows of a photograph, bytes [1, h, w, c], at the size `scaled`, which are padded to `size`; with `flip`
// each is followed by its mirror image's. `corners` are the top and left of each window, beyond the photograph where that is padded.
FUNCTION(planWindows, "plan", "bytes", "table", "reversed", "scaled", "corners", "window", "size", "flip") {
  const auto scaled = call.size(4), corners = call.integers(5), window = call.size(6);
  TORCH_CHECK(!corners.empty() && corners.size() % 2 == 0, "expected top and left of each window, found ", corners.size(), " numbers");
  std::vector<Look> looks;
  for (size_t i = 0; i < corners.size(); i += 2) {
    looks.push_back({scaled[0], scaled[1], corners[i], corners[i + 1], window[0], window[1], call.boolean(8)});
  }
  const auto work = [plan = planIn(call), bytes = call.tensor(1), input = byteInput(call, 2), looks, size = call.size(7)] {
    const auto count = static_cast<int64_t>(looks.size());
    const Integers images{count * (looks[0].flip ? 2 : 1), bytes.size(-1), size[0], size[1]};
    return plan->perform({Kind::windows, looks[0].rows, looks[0].columns}, images, [&] {
      return finite(plan->run(bytesToFeatures(bytes, input, looks, size, plan->dtype())));
    });
  };
  return computeLater(call, work);
}

namespace {

/** Looks at the whole of photographs, bytes [n, h, w, c]. */
Look whole(const at::Tensor& bytes) { return {bytes.size(1), bytes.size(2), 0, 0, bytes.size(1), bytes.size(2), false}; }

/** A promise of what `finish` makes of the logits of photographs, which are padded to `size`. */
napi_value fromWhole(const Call& call, Kind kind, at::Tensor (*finish)(const at::Tensor&, at::IntArrayRef, at::IntArrayRef, AlignCorners)) {
  const auto work = [plan = planIn(call), bytes = call.tensor(1), input = byteInput(call, 2), size = call.size(4), alignCorners = call.alignCorners(5),
                     kind, finish] {
    TORCH_CHECK(bytes.dim() == 4, "expected bytes [n, h, w, c], found ", bytes.sizes());
    const Integers images{bytes.size(0), bytes.size(3), size[0], size[1]};
    return plan->perform({kind, bytes.size(1), bytes.size(2)}, images, [&] {
      const auto logits = plan->run(bytesToFeatures(bytes, input, whole(bytes), size, plan->dtype()));
      return finish(logits, size, bytes.sizes().slice(1, 2), alignCorners).cpu();
    });
  };
  return computeLater(call, work);
}

}  // namespace

// A promise of the logits [n, c, h, w] of photographs, bytes [n, h, w, c], which are padded to `size`, enlarged.
FUNCTION(planLogits, "plan", "bytes", "table", "reversed", "size", "alignCorners") {
  return fromWhole(call, Kind::logits, [](const at::Tensor& logits, at::IntArrayRef size, at::IntArrayRef crop, AlignCorners alignCorners) {
    return resized(logits, size, alignCorners).narrow(2, 0, crop[0]).narrow(3, 0, crop[1]).contiguous();
  });
}

// A promise of the class of each pixel, uint8 [n, h, w], of the same.
FUNCTION(planLabels, "plan", "bytes", "table", "reversed", "size", "alignCorners") {
  return fromWhole(call, Kind::labels, [](const at::Tensor& logits, at::IntArrayRef size, at::IntArrayRef crop, AlignCorners alignCorners) {
    return upsampledArgmax(finite(logits), size, crop, alignCorners);
  });
}

// Of the block that the last run's memory is laid out in, its bytes and the runs that it has served.
FUNCTION(planWorkspace, "plan") {
  const auto& plan = planIn(call);
  napi_value figures;
  call.check(napi_create_array_with_length(call.env(), 2, &figures));
  call.check(napi_set_element(call.env(), figures, 0, call.result(plan->blockSize())));
  call.check(napi_set_element(call.env(), figures, 1, call.result(plan->served())));
  return figures;
}

// The outputs of the convolutions that Winograd's form computed in the last run.
FUNCTION(planWinograd, "plan") {
  const auto outputs = planIn(call)->winograd();
  napi_value list;
  call.check(napi_create_array_with_length(call.env(), outputs.size(), &list));
  for (uint32_t i = 0; i < outputs.size(); i++) call.check(napi_set_element(call.env(), list, i, call.result(outputs[i])));
  return list;
}

// Bytes that a convolution of weights of this size may take beside its inputs and outputs.
FUNCTION(planScratch, "plan", "weightSize", "attributes") {
  const auto& plan = planIn(call);
  if (!canPack(plan->dtype(), plan->device())) return call.result(int64_t{0});
  const Call attributes(call, 2, operatorNamed("conv2d").signature);
  const auto shape = winogradShape(Convolution(attributes), plan->dtype(), call.integers(1, 4));
  return call.result(shape ? winogradScratch(attributes.integers(5, 4), *shape) : int64_t{0});
}

FUNCTION(planDispose, "plan") {
  planIn(call).reset();
  return call.undefined();
}

}  // namespace binding
