#include "computeThread.h"

#include <ATen/Parallel.h>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "handle.h"

namespace binding {

namespace {

/** One piece of work, from the queue to its promise. */
struct Job {
  std::function<at::Tensor()> work;
  /** Of the thread that asked: libtorch counts them for each thread. */
  int threads = 0;
  napi_deferred promise = nullptr;
  napi_threadsafe_function done = nullptr;
  at::Tensor result;
  std::string error;
};

class ComputeThread {
 public:
  void add(std::unique_ptr<Job> job) {
    std::lock_guard lock(mutex_);
    if (!thread_.joinable()) thread_ = std::thread([this] { loop(); });
    jobs_.push_back(std::move(job));
    wake_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::unique_ptr<Job>> jobs_;
  std::thread thread_;

  [[noreturn]] void loop() {
    FlushDenormals flush;
    flushDenormalsInPool();
    for (;;) {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return !jobs_.empty(); });
      auto job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      perform(*job);
      const auto done = job->done;
      // The event loop takes the job over, or, when it is ending, nobody needs it any more.
      if (napi_call_threadsafe_function(done, job.get(), napi_tsfn_nonblocking) == napi_ok) job.release();
      napi_release_threadsafe_function(done, napi_tsfn_release);
    }
  }

  static void perform(Job& job) {
    if (at::get_num_threads() != job.threads) {
      at::set_num_threads(job.threads);
      flushDenormalsInPool();
    }
    try {
      job.result = job.work();
    } catch (const c10::Error& error) {
      job.error = error.what_without_backtrace();
    } catch (const std::exception& error) {
      job.error = error.what();
    }
    job.work = nullptr;
  }
};

// Never destroyed: the thread may still compute when the process ends.
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
  napi_value message;
  napi_create_string_utf8(env, job->error.substr(0, job->error.find('\n')).c_str(), NAPI_AUTO_LENGTH, &message);
  napi_create_error(env, nullptr, message, &value);
  napi_reject_deferred(env, job->promise, value);
}

}  // namespace

napi_value computeLater(const Call& call, std::function<at::Tensor()> work) {
  auto job = std::make_unique<Job>();
  job->work = std::move(work);
  job->threads = at::get_num_threads();
  napi_value promise, name;
  call.check(napi_create_promise(call.env(), &job->promise, &promise));
  call.check(napi_create_string_utf8(call.env(), "pspnet compute", NAPI_AUTO_LENGTH, &name));
  call.check(napi_create_threadsafe_function(call.env(), nullptr, nullptr, name, 0, 1, nullptr, nullptr, nullptr, settle, &job->done));
  computeThread().add(std::move(job));
  return promise;
}

}  // namespace binding
