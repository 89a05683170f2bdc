// A promise of JavaScript's that is kept on another thread.
#pragma once

#include <ATen/core/Tensor.h>
#include <node_api.h>

#include <functional>
#include <string>

namespace binding {

class Call;

/** What a promise is kept with: makes the value on the event loop. Throws PendingException when a Node-API call failed. */
using MakeValue = std::function<napi_value(napi_env)>;

MakeValue makeTensor(at::Tensor tensor);
MakeValue makeUndefined();

/** Keeps the event loop, which it was made on, alive until it is kept or broken, once, on any thread. */
class Deferred {
 public:
  /** `name` tells Node's diagnostics what is waited for. Sets `promise`. */
  Deferred(const Call& call, const char* name, napi_value* promise);

  void resolve(MakeValue make) const;
  void reject(std::string message, const char* code = "ERR_LIBTORCH") const;
  /** With what was caught: NotFinite and CollectiveFailed have their own codes, and libtorch's errors lose their backtrace. */
  void reject(const std::exception_ptr& thrown) const;

 private:
  struct Kept;

  napi_deferred deferred_ = nullptr;
  napi_threadsafe_function done_ = nullptr;

  static void settle(napi_env env, napi_value, void*, void* data);
  void handOver(Kept* kept) const;
};

}  // namespace binding
