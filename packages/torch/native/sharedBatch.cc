#include "sharedBatch.h"

#include <ATen/ops/dropout.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/feature_dropout.h>

namespace binding {

namespace {

thread_local c10::intrusive_ptr<ProcessGroup> sharing;
thread_local bool normalising = false;

/** x times what is drawn for all ranks' samples, `[n * ranks, ...]`, and is this one's of it. */
at::Tensor dropped(const at::Tensor& x, double p, std::vector<int64_t> shape) {
  const auto& group = *sharing;
  shape[0] *= group.size;
  const auto drawn = at::empty(shape, x.options()).bernoulli_(1 - p).div_(1 - p);
  shape[0] /= group.size;
  shape.insert(shape.begin() + 1, group.size);
  return x.mul(drawn.view(shape).select(1, group.rank));
}

bool draws(double p, bool training) { return sharing && training && p > 0 && p < 1; }

}  // namespace

c10::intrusive_ptr<ProcessGroup> normalisingGroup() { return normalising ? sharing : c10::intrusive_ptr<ProcessGroup>(); }

at::Tensor dropout(const at::Tensor& x, double p, bool training) {
  return draws(p, training) ? dropped(x, p, x.sizes().vec()) : at::dropout(x, p, training);
}

at::Tensor dropout2d(const at::Tensor& x, double p, bool training) {
  if (!draws(p, training)) return at::feature_dropout(x, p, training);
  std::vector<int64_t> shape(x.dim(), 1);
  shape[0] = x.size(0);
  shape[1] = x.size(1);
  return dropped(x, p, shape);
}

// The forward passes that follow on this thread are of the group's batch, their batch norm too, if it is to be; without a group of this
// process's alone.
FUNCTION(setSharing, "group", "batchNorm") {
  sharing = call.absent(0) ? c10::intrusive_ptr<ProcessGroup>() : processGroupIn(call);
  normalising = call.boolean(1);
  return call.undefined();
}

}  // namespace binding
