// The processes that work as one, by libtorch's c10d: Gloo between CPUs, NCCL between GPUs.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>
#include <c10/util/intrusive_ptr.h>

#include <atomic>
#include <string>

#include "call.h"

namespace c10d {
class Backend;
class Store;
class Work;
}  // namespace c10d

namespace binding {

/** A collective that is under way, on a tensor of the caller's. */
struct Collective {
  c10::intrusive_ptr<c10d::Work> work;
  /** The caller's, and what ranks exchange: the same, or a copy on the group's device. */
  at::Tensor own, exchanged;

  /**
   * Has what follows on this thread come after it: waits, or, of a collective between GPUs, has the GPU wait. Throws CollectiveFailed where a
   * rank is gone, or late, which of GPUs may show later only.
   */
  void precede() const;
  /** Waits until it is done. Throws CollectiveFailed where a rank is gone, or late. */
  void finish() const;
  /** Once it is done: the caller's tensor has what ranks exchanged. */
  void restore() const;
};

struct ProcessGroup : torch::CustomClassHolder {
  c10::intrusive_ptr<c10d::Store> store;
  /** The store's, of which no other group knows; else empty. */
  std::string file;
  /** What carries collectives, and what carries `sum`, which would else wait behind buckets of gradients; of GPUs the same. */
  c10::intrusive_ptr<c10d::Backend> backend, sumBackend;
  int rank, size;
  /** Whose memory ranks exchange. */
  at::Device device;

  ProcessGroup(c10::intrusive_ptr<c10d::Store> store, std::string file, c10::intrusive_ptr<c10d::Backend> backend,
               c10::intrusive_ptr<c10d::Backend> sumBackend, int rank, int size, at::Device device);
  ~ProcessGroup() override;

  /** Whether this process has a group with connections: to end them in good order means to wait for what other ranks have not done yet. */
  static bool anyConnected();

  /** What carries collectives. Throws once it is destroyed. */
  c10d::Backend& running() const;

  /** Begins to add up `tensor` over all ranks, in place. Throws CollectiveFailed where a rank is known to be gone. */
  Collective allReduce(const at::Tensor& tensor) const;
  /** Adds up `tensor` over all ranks, in place, before what follows on this thread. */
  void sum(const at::Tensor& tensor) const;
  /** Ends the connections; with `abruptly` what is under way too. */
  void disconnect(bool abruptly);
  /** Lets go of the store; the last rank to do so removes its file. */
  void leaveStore();

  /** What `sum` has done so far. */
  mutable std::atomic<int64_t> sums{0}, summedBytes{0}, summingNanoseconds{0};
};

/** What argument `index` holds. */
const c10::intrusive_ptr<ProcessGroup>& processGroupIn(const Call& call, size_t index = 0);

}  // namespace binding
