// What belongs to one JavaScript environment, the main thread's or a worker's, and what is left when it ends.
#pragma once

#include <node_api.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

namespace binding {

/**
 * References to JavaScript values may be deleted on their own thread alone, while their environment lasts. Threads and the addresses of
 * environments are given again by the system, so neither tells whose a reference is: this object does.
 */
class Environment {
 public:
  /** Makes the environment's own, when the addon is loaded into it. */
  static napi_status open(napi_env env);
  static std::shared_ptr<Environment> of(napi_env env);

  /** Has `reference` deleted by the environment's next call; on any thread. Its end has deleted it already. */
  void letGo(napi_ref reference);
  /** Deletes what was let go; on the environment's thread. */
  void collect();

 private:
  std::mutex mutex_;
  napi_env env_;
  std::vector<napi_ref> letGo_;
  std::atomic<bool> waiting_{false};

  explicit Environment(napi_env env) : env_(env) {}
  void end();
};

}  // namespace binding
