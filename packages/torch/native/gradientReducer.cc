// Gradients of data-parallel training, added up over all ranks while backward still computes others (Li et al., "PyTorch Distributed",
// VLDB 2020): parameters lie in buckets, those that backward reaches first in the first; a bucket whose gradients are all there is sent.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_copy.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <torch/csrc/distributed/c10d/Work.hpp>

#include <atomic>
#include <chrono>

#include "computeThread.h"
#include "processGroup.h"

namespace binding {

namespace {

/** Nanoseconds of a clock that all threads share. */
int64_t now() { return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/** When something was first seen to be over. */
struct Moment {
  std::atomic<int64_t> time{0};

  void set() {
    int64_t unset = 0;
    time.compare_exchange_strong(unset, now());
  }
};

class GradientReducer {
 public:
  /** `parameters` in the order that the network has them; a bucket is full from `bucketBytes` on. */
  GradientReducer(c10::intrusive_ptr<ProcessGroup> group, const std::vector<at::Tensor>& parameters, int64_t bucketBytes, at::ScalarType wire)
      : group_(std::move(group)), wire_(wire) {
    int64_t bytes = bucketBytes;
    for (auto parameter = parameters.rbegin(); parameter != parameters.rend(); ++parameter) {
      TORCH_CHECK(parameter->requires_grad() && parameter->is_leaf(), "parameters: expected tensors that gather gradients");
      if (bytes >= bucketBytes) {
        buckets_.emplace_back();
        bytes = 0;
      }
      buckets_.back().parameters.push_back(*parameter);
      bytes += static_cast<int64_t>(parameter->nbytes());
      torch::autograd::impl::set_post_acc_grad_hooks(*parameter, std::make_unique<Hook>(*this, buckets_.size() - 1));
    }
  }

  ~GradientReducer() {
    for (const auto& bucket : buckets_) {
      for (const auto& parameter : bucket.parameters) torch::autograd::impl::set_post_acc_grad_hooks(parameter, nullptr);
    }
  }

  GradientReducer(const GradientReducer&) = delete;
  GradientReducer& operator=(const GradientReducer&) = delete;

  /** The next backward is the last before gradients are added up: what it completes may be sent. */
  void begin() {
    for (auto& bucket : buckets_) bucket.awaited = bucket.parameters.size();
    begun_ = true;
    beginning_ = now();
  }

  /** Sends the rest: gradients that there are not count as zeros. */
  void sendRest() {
    if (!begun_) beginning_ = now();
    begun_ = false;
    finishing_ = now();
    while (sent_ < buckets_.size()) send(buckets_[sent_++]);
  }

  /**
   * Waits for all that was sent, and puts it in place of this rank's gradients. Throws where a rank is gone.
   *
   * Returns seconds since `begin`, float64 `[2 + 3 * buckets]`: when `sendRest` began, when this ended; and of each bucket its bytes, when it
   * was sent, and when it had been added up.
   */
  at::Tensor finish() {
    sent_ = 0;
    std::vector<double> figures{secondsAt(finishing_), 0};
    for (auto& bucket : buckets_) {
      const auto sending = std::exchange(bucket.sending, {});
      sending.finish();
      bucket.done->set();
      figures.insert(figures.end(), {double(sending.own.nbytes()), secondsAt(bucket.sent), secondsAt(bucket.done->time)});
      // Where they lie: nothing is copied back.
      const auto sums = bucket.views(sending.own.to(bucket.parameters.front().scalar_type()));
      for (size_t i = 0; i < sums.size(); i++) bucket.parameters[i].mutable_grad() = sums[i];
    }
    figures[1] = secondsAt(now());
    return at::tensor(figures, at::kDouble);
  }

 private:
  struct Bucket {
    std::vector<at::Tensor> parameters;
    size_t awaited = 0;
    /** Of all gradients, one after the other, as they go over the wire. */
    Collective sending;
    int64_t sent = 0;
    /** Which a thread of the group's says, or whoever waited, if that is sooner. */
    std::shared_ptr<Moment> done;

    std::vector<at::Tensor> gradients() const {
      std::vector<at::Tensor> list;
      for (const auto& parameter : parameters) {
        auto& gradient = parameter.mutable_grad();
        if (!gradient.defined()) gradient = at::zeros_like(parameter);
        list.push_back(gradient);
      }
      return list;
    }

    /** Where each gradient lies in `flat`, in the parameter's own order of elements. */
    std::vector<at::Tensor> views(const at::Tensor& flat) const {
      std::vector<at::Tensor> list;
      int64_t begin = 0;
      for (const auto& parameter : parameters) {
        list.push_back(flat.narrow(0, begin, parameter.numel()).as_strided(parameter.sizes(), parameter.strides(), begin));
        begin += parameter.numel();
      }
      return list;
    }
  };

  struct Hook : torch::autograd::PostAccumulateGradHook {
    GradientReducer& reducer;
    size_t bucket;

    Hook(GradientReducer& reducer, size_t bucket) : reducer(reducer), bucket(bucket) {}

    void operator()(const at::Tensor&) override { reducer.completed(bucket); }
  };

  c10::intrusive_ptr<ProcessGroup> group_;
  at::ScalarType wire_;
  std::vector<Bucket> buckets_;
  bool begun_ = false;
  /** The first buckets, which have been sent: all ranks send them in one order. */
  size_t sent_ = 0;
  int64_t beginning_ = 0, finishing_ = 0;

  double secondsAt(int64_t time) const { return 1e-9 * double(time - beginning_); }

  void completed(size_t index) {
    if (!begun_) return;
    buckets_[index].awaited--;
    while (sent_ < buckets_.size() && buckets_[sent_].awaited == 0) send(buckets_[sent_++]);
  }

  void send(Bucket& bucket) {
    const at::NoGradGuard noGrad;
    int64_t size = 0;
    for (const auto& parameter : bucket.parameters) size += parameter.numel();
    const auto flat = at::empty({size}, bucket.parameters.front().options().dtype(wire_).requires_grad(false));
    auto views = bucket.views(flat);
    at::_foreach_copy_(views, bucket.gradients());
    bucket.sent = now();
    bucket.done = std::make_shared<Moment>();
    bucket.sending = group_->allReduce(flat);
    bucket.sending.work->getFuture()->addCallback([done = bucket.done](c10::ivalue::Future&) { done->set(); });
  }
};

constexpr napi_type_tag reducerTag{0x41b7c95e02d8f36a, 0xe8d50a7b9c4632f1};

using SharedReducer = std::shared_ptr<GradientReducer>;

SharedReducer& reducerIn(const Call& call) {
  void* data = nullptr;
  bool tagged = false;
  if (napi_check_object_type_tag(call.env(), call.raw(0), &reducerTag, &tagged) != napi_ok || !tagged) {
    throw std::invalid_argument("reducer: expected a gradient reducer");
  }
  call.check(napi_get_value_external(call.env(), call.raw(0), &data));
  auto& reducer = *static_cast<SharedReducer*>(data);
  if (!reducer) throw std::invalid_argument("reducer: it is disposed");
  return reducer;
}

}  // namespace

FUNCTION(reducerCreate, "group", "parameters", "bucketBytes", "wire") {
  const auto group = processGroupIn(call);
  auto reducer = std::make_unique<SharedReducer>(std::make_shared<GradientReducer>(group, call.tensors(1), call.integer(2, 1), call.dtype(3)));
  napi_value value;
  const auto finalize = [](napi_env, void* data, void*) { delete static_cast<SharedReducer*>(data); };
  call.check(napi_create_external(call.env(), reducer.get(), finalize, nullptr, &value));
  reducer.release();
  call.check(napi_type_tag_object(call.env(), value, &reducerTag));
  return value;
}

FUNCTION(reducerBegin, "reducer") {
  reducerIn(call)->begin();
  return call.undefined();
}

// A promise that every gradient is the sum over all ranks, of what GradientReducer::finish says.
FUNCTION(reducerFinish, "reducer") {
  const auto reducer = reducerIn(call);
  reducer->sendRest();
  return computeLater(call, std::function<at::Tensor()>([reducer] {
                        const at::NoGradGuard noGrad;
                        return reducer->finish();
                      }));
}

FUNCTION(reducerDispose, "reducer") {
  reducerIn(call).reset();
  return call.undefined();
}

}  // namespace binding
