#include "computeThread.h"

#include <ATen/Parallel.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>

#include "allocator.h"
#include "handle.h"

namespace binding {

namespace {

/** One piece of work, from the queue to its promise. */
struct Job {
  napi_env env = nullptr;
  std::function<at::Tensor()> work;
  /** Of the thread that asked: libtorch counts them for each thread. */
  int threads = 0;
  napi_deferred promise = nullptr;
  napi_threadsafe_function done = nullptr;
  at::Tensor result;
  std::string error;
  const char* code = "ERR_LIBTORCH";
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
      handOver(std::move(job));
      lock.lock();
      current_ = nullptr;
      idle_.notify_all();
    }
  }

  /** The event loop takes the job; or, when it is ending, nobody needs it any more, and `done` must not be used again. */
  static void handOver(std::unique_ptr<Job> job) {
    const auto done = job->done;
    const auto status = napi_call_threadsafe_function(done, job.get(), napi_tsfn_nonblocking);
    if (status == napi_ok) job.release();
    if (status != napi_closing) napi_release_threadsafe_function(done, napi_tsfn_release);
  }

  static void perform(Job& job) {
    if (at::get_num_threads() != job.threads) {
      at::set_num_threads(job.threads);
      flushDenormalsInPool();
    }
    try {
      job.result = job.work();
    } catch (const NotFinite& error) {
      job.error = error.what();
      job.code = "ERR_NOT_FINITE";
    } catch (const c10::Error& error) {
      job.error = error.what_without_backtrace();
    } catch (const std::exception& error) {
      job.error = error.what();
    }
    job.work = nullptr;
  }
};

// Never destroyed: its thread never ends.
ComputeThread& computeThread() {
  static auto* instance = new ComputeThread();
  return *instance;
}

/** On the event loop: keeps the job's promise. */
void settle(napi_env env, napi_value, void*, void* data) {
  const std::unique_ptr<Job> job(static_cast<Job*>(data));
  if (env == nullptr) return;
  napi_value value;
  if (job->error.empty()) {
    if (makeHandle(env, job->result, &value) == napi_ok) napi_resolve_deferred(env, job->promise, value);
    return;
  }
  napi_value code, message;
  napi_create_string_utf8(env, job->code, NAPI_AUTO_LENGTH, &code);
  napi_create_string_utf8(env, job->error.substr(0, job->error.find('\n')).c_str(), NAPI_AUTO_LENGTH, &message);
  napi_create_error(env, code, message, &value);
  napi_reject_deferred(env, job->promise, value);
}

void leave(void* env) { computeThread().leave(static_cast<napi_env>(env)); }

}  // namespace

bool computingStops() { return computeThread().stops(); }

napi_value computeLater(const Call& call, std::function<at::Tensor()> work) {
  // A worker's environment may end while the process goes on.
  if (computeThread().enter(call.env())) call.check(napi_add_env_cleanup_hook(call.env(), leave, call.env()));
  auto job = std::make_unique<Job>();
  job->env = call.env();
  job->work = std::move(work);
  job->threads = at::get_num_threads();
  napi_value promise, name;
  call.check(napi_create_promise(call.env(), &job->promise, &promise));
  call.check(napi_create_string_utf8(call.env(), "pspnet compute", NAPI_AUTO_LENGTH, &name));
  call.check(napi_create_threadsafe_function(call.env(), nullptr, nullptr, name, 0, 1, nullptr, nullptr, nullptr, settle, &job->done));
  computeThread().add(std::move(job));
  return promise;
}

// Before the process ends with `code`: libtorch's statics are destroyed then, and nothing may compute with them any more. What computes on
// beyond `limit` milliseconds is not waited for: the process ends here, without destroying anything.
FUNCTION(stopComputing, "limit", "code") {
  if (!computeThread().stop(std::chrono::milliseconds(call.integer(0, 0)))) std::_Exit(static_cast<int>(call.integer(1)));
  return call.undefined();
}

}  // namespace binding
