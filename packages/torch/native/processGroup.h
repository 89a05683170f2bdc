// The processes that work as one, by libtorch's c10d: Gloo between CPUs.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>
#include <c10/util/intrusive_ptr.h>

#include <atomic>

#include "call.h"

namespace c10d {
class Backend;
class Store;
class Work;
}  // namespace c10d

namespace binding {

struct ProcessGroup : torch::CustomClassHolder {
  c10::intrusive_ptr<c10d::Store> store;
  c10::intrusive_ptr<c10d::Backend> backend;
  int rank, size;

  ProcessGroup(c10::intrusive_ptr<c10d::Store> store, c10::intrusive_ptr<c10d::Backend> backend, int rank, int size);
  ~ProcessGroup() override;

  /** Whether this process has a group with connections: to end them in good order means to wait for what other ranks have not done yet. */
  static bool anyConnected();
  /** Ends the connections. */
  void disconnect();

  /** Throws once it is destroyed. */
  c10d::Backend& running() const;

  /** Begins to add up `tensor` over all ranks, in place. */
  c10::intrusive_ptr<c10d::Work> allReduce(const at::Tensor& tensor) const;
  /** Adds up `tensor` over all ranks, in place, and waits for it. */
  void sum(const at::Tensor& tensor) const;

  /** What `sum` has done so far. */
  mutable std::atomic<int64_t> sums{0}, summedBytes{0}, summingNanoseconds{0};
};

/** Waits for a collective. Throws CollectiveFailed where a rank is gone, or late. */
void await(c10d::Work& work);

/** What argument `index` holds. */
const c10::intrusive_ptr<ProcessGroup>& processGroupIn(const Call& call, size_t index = 0);

}  // namespace binding
