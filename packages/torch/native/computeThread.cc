#include "computeThread.h"

#include <ATen/Parallel.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <utility>

#include "allocator.h"
#include "processGroup.h"

namespace binding {

namespace {

/** One piece of work, from the queue to its promise. */
struct Job {
  napi_env env = nullptr;
  std::function<MakeValue()> work;
  /** Of the thread that asked: libtorch counts them for each thread. */
  int threads = 0;
  Deferred deferred;
};

class ComputeThread {
 public:
  void add(std::unique_ptr<Job> job) {
    std::lock_guard lock(mutex_);
    if (!thread_.joinable()) thread_ = std::thread([this] { loop(); });
    jobs_.push_back(std::move(job));
    wake_.notify_one();
  }

  /** False when the environment has entered before and not left. */
  bool enter(napi_env env) {
    std::lock_guard lock(mutex_);
    return environments_.insert(env).second;
  }

  /** Forgets what an environment, which ends, has asked for, and waits for its job that is being done. */
  void leave(napi_env env) {
    std::unique_lock lock(mutex_);
    environments_.erase(env);
    std::erase_if(jobs_, [env](const auto& job) { return job->env == env; });
    idle_.wait(lock, [&] { return current_ != env; });
  }

  /** Forgets everything and waits for the job that is being done, which sees that it `stops`. False when it goes on beyond `limit`. */
  bool stop(std::chrono::milliseconds limit) {
    stops_ = true;
    std::unique_lock lock(mutex_);
    jobs_.clear();
    return idle_.wait_for(lock, limit, [this] { return current_ == nullptr; });
  }

  bool stops() const { return stops_; }

 private:
  std::mutex mutex_;
  std::condition_variable wake_, idle_;
  std::deque<std::unique_ptr<Job>> jobs_;
  std::thread thread_;
  std::unordered_set<napi_env> environments_;
  /** Whose job is being done. */
  napi_env current_ = nullptr;
  std::atomic<bool> stops_{false};

  [[noreturn]] void loop() {
    FlushDenormals flush;
    flushDenormalsInPool();
    std::unique_lock lock(mutex_);
    for (;;) {
      while (!wake_.wait_for(lock, std::chrono::seconds(5), [this] { return !jobs_.empty(); })) releaseUnused();
      auto job = std::move(jobs_.front());
      jobs_.pop_front();
      current_ = job->env;
      lock.unlock();
      perform(*job);
      job.reset();
      lock.lock();
      current_ = nullptr;
      idle_.notify_all();
    }
  }

  static void perform(Job& job) {
    if (at::get_num_threads() != job.threads) {
      at::set_num_threads(job.threads);
      flushDenormalsInPool();
    }
    MakeValue value;
    try {
      value = std::exchange(job.work, nullptr)();
    } catch (...) {
      return job.deferred.reject(std::current_exception());
    }
    job.deferred.resolve(std::move(value));
  }
};

// Never destroyed: its thread never ends.
ComputeThread& computeThread() {
  static auto* instance = new ComputeThread();
  return *instance;
}

void leave(void* env) { computeThread().leave(static_cast<napi_env>(env)); }

}  // namespace

bool computingStops() { return computeThread().stops(); }

napi_value computeLater(const Call& call, std::function<MakeValue()> work) {
  // A worker's environment may end while the process goes on.
  if (computeThread().enter(call.env())) call.check(napi_add_env_cleanup_hook(call.env(), leave, call.env()));
  napi_value promise;
  const Deferred deferred(call, "pspnet compute", &promise);
  computeThread().add(std::make_unique<Job>(Job{call.env(), std::move(work), at::get_num_threads(), deferred}));
  return promise;
}

napi_value computeLater(const Call& call, std::function<at::Tensor()> work) {
  return computeLater(call, std::function<MakeValue()>([work = std::move(work)] { return makeTensor(work()); }));
}

// Before the process ends with `code`: libtorch's statics are destroyed then, and nothing may compute with them any more. What computes on
// beyond `limit` milliseconds is not waited for, nor are other ranks: the process ends here, without destroying anything.
FUNCTION(stopComputing, "limit", "code") {
  const bool atRest = !ProcessGroup::anyConnected() && computeThread().stop(std::chrono::milliseconds(call.integer(0, 0)));
  if (!atRest) std::_Exit(static_cast<int>(call.integer(1)));
  return call.undefined();
}

}  // namespace binding
