#include "processGroup.h"

#include <ATen/Version.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <c10/util/Logging.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <future>
#include <string_view>
#include <thread>

#define USE_C10D_GLOO 1
#include <torch/csrc/distributed/c10d/FileStore.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <torch/version.h>

#include "computeThread.h"
#include "deferred.h"

namespace binding {

namespace {

using c10d::ProcessGroupGloo;
using std::chrono::milliseconds;

constexpr napi_type_tag groupTag{0x8c41d7f20b3e95a6, 0x13f6a2c85d7049eb};

using SharedGroup = c10::intrusive_ptr<ProcessGroup>;

std::atomic<int> connectedGroups{0};

/** The declarations of native/gloo are right for these. */
void checkVersion() {
  constexpr int first = 13, last = 15;
  static_assert(TORCH_VERSION_MAJOR == 2, "see native/gloo/context.h");
  TORCH_CHECK(TORCH_VERSION_MINOR >= first && TORCH_VERSION_MINOR <= last, "expected libtorch 2.", first, " to 2.", last, ", found ", TORCH_VERSION,
              ": process groups were not tried with it");
}

struct Rendezvous {
  /** Of a TCP store; else the path of a file that all ranks see. */
  std::string host, file;
  uint16_t port;
  /** Whether this process holds the TCP store. */
  bool serves;
  /** What its keys begin with: of other attempts, others. */
  std::string prefix;
  int rank, size;
  milliseconds timeout;

  bool local() const { return host == "localhost" || host == "127.0.0.1" || host == "::1"; }
};

c10::intrusive_ptr<c10d::Store> openStore(const Rendezvous& at) {
  c10::intrusive_ptr<c10d::Store> store;
  if (!at.file.empty()) {
    store = c10::make_intrusive<c10d::FileStore>(at.file, at.size);
  } else {
    c10d::TCPStoreOptions options;
    options.port = at.port;
    options.isServer = at.serves;
    options.numWorkers = at.size;
    // All come before any goes on, as the group's connections show; a store of a launcher counts nobody.
    options.waitWorkers = false;
    options.timeout = at.timeout;
    store = c10::make_intrusive<c10d::TCPStore>(at.host, options);
  }
  store->setTimeout(at.timeout);
  if (at.prefix.empty()) return store;
  return c10::make_intrusive<c10d::PrefixStore>(at.prefix, store);
}

/** Every rank says that it is there, and how many it takes them to be; throws unless all come in time and agree. */
void meet(c10d::Store& store, const Rendezvous& at) {
  const auto key = [](int rank) { return "rank/" + std::to_string(rank); };
  const auto text = std::to_string(at.size);
  const std::vector<uint8_t> size(text.begin(), text.end());
  const auto found = store.compareSet("size", {}, size);
  const std::string agreed(found.begin(), found.end());
  TORCH_CHECK(agreed == text, "rank ", at.rank, ": expected a world of ", agreed, " ranks as another process does, found ", text);
  TORCH_CHECK(store.add(key(at.rank), 1) == 1, "expected one process of rank ", at.rank, ", found two; give each its own");
  const auto end = std::chrono::steady_clock::now() + at.timeout;
  std::string missing;
  for (int rank = 0; rank < at.size; rank++) {
    while (!store.check({key(rank)}) && std::chrono::steady_clock::now() < end) {
      if (computingStops()) throw std::runtime_error("the process ends");
      std::this_thread::sleep_for(milliseconds(20));
    }
    if (!store.check({key(rank)})) missing += (missing.empty() ? "" : ", ") + std::to_string(rank);
  }
  TORCH_CHECK(missing.empty(), "expected ", at.size, " ranks within ", at.timeout.count() / 1000.0, " s, but these did not come: ", missing);
}

/** Of the interfaces that GLOO_SOCKET_IFNAME names, as in PyTorch, or of the one that the host's name leads to. */
std::vector<std::shared_ptr<gloo::transport::Device>> devices(const Rendezvous& at) {
  std::vector<std::shared_ptr<gloo::transport::Device>> found;
  if (const char* given = std::getenv("GLOO_SOCKET_IFNAME"); given != nullptr && *given != 0) {
    std::string_view names(given);
    while (!names.empty()) {
      const auto end = std::min(names.find(','), names.size());
      found.push_back(ProcessGroupGloo::createDeviceForInterface(std::string(names.substr(0, end))));
      names.remove_prefix(std::min(end + 1, names.size()));
    }
  } else if (at.local()) {
    found.push_back(ProcessGroupGloo::createDeviceForHostname("127.0.0.1"));
  } else {
    found.push_back(ProcessGroupGloo::createDefaultDevice());
  }
  return found;
}

/** What goes wrong is told by an Error: c10d's own log would show each with its stack, on every rank. */
void quieten() {
  if (std::getenv("TORCH_CPP_LOG_LEVEL") == nullptr) FLAGS_caffe2_log_level = c10::GLOG_FATAL;
  else c10::initLogging();
}

SharedGroup open(const Rendezvous& at) {
  checkVersion();
  quieten();
  const auto store = openStore(at);
  meet(*store, at);
  const auto options = ProcessGroupGloo::Options::create(at.timeout);
  options->devices = devices(at);
  options->threads = 2;
  auto backend = c10::make_intrusive<ProcessGroupGloo>(store, at.rank, at.size, options);
  return c10::make_intrusive<ProcessGroup>(store, std::move(backend), at.rank, at.size);
}

napi_value makeGroup(napi_env env, const SharedGroup& group) {
  auto held = std::make_unique<SharedGroup>(group);
  napi_value value;
  const auto finalize = [](napi_env, void* data, void*) { delete static_cast<SharedGroup*>(data); };
  if (napi_create_external(env, held.get(), finalize, nullptr, &value) != napi_ok) throw PendingException();
  held.release();
  if (napi_type_tag_object(env, value, &groupTag) != napi_ok) throw PendingException();
  return value;
}

/** A promise of what `make` gives once `work`, which reads and writes `tensors`, is done. */
napi_value afterwards(const Call& call, const c10::intrusive_ptr<c10d::Work>& work, std::vector<at::Tensor> tensors, MakeValue make) {
  napi_value promise;
  const Deferred deferred(call, "pspnet collective", &promise);
  work->getFuture()->addCallback([deferred, tensors = std::move(tensors), make = std::move(make)](c10::ivalue::Future& done) mutable {
    tensors.clear();
    if (done.hasError()) deferred.reject(done.tryRetrieveErrorMessage(), "ERR_COLLECTIVE");
    else deferred.resolve(std::move(make));
  });
  return promise;
}

/** The ranks that do not say within `patience` that a collective failed. */
std::vector<int64_t> notCome(const ProcessGroup& group, milliseconds patience) {
  const auto key = [](int rank) { return "failed/" + std::to_string(rank); };
  std::vector<int64_t> lost;
  const auto end = std::chrono::steady_clock::now() + patience;
  try {
    group.store->add(key(group.rank), 1);
    for (int rank = 0; rank < group.size; rank++) {
      while (!group.store->check({key(rank)}) && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(milliseconds(20));
      if (!group.store->check({key(rank)})) lost.push_back(rank);
    }
    // Others look at the store as long.
    if (group.rank == 0) std::this_thread::sleep_for(milliseconds(200));
  } catch (const c10::Error&) {
    // The store is gone with the process that held it.
    return {0};
  }
  return lost;
}

at::Tensor dense(const at::Tensor& tensor) {
  TORCH_CHECK(tensor.is_cpu(), "expected a tensor of the CPU, found one of ", tensor.device());
  TORCH_CHECK(tensor.is_non_overlapping_and_dense(), "expected a dense tensor; make it contiguous first");
  return tensor.detach();
}

}  // namespace

ProcessGroup::ProcessGroup(c10::intrusive_ptr<c10d::Store> store, c10::intrusive_ptr<c10d::Backend> backend, int rank, int size)
    : store(std::move(store)), backend(std::move(backend)), rank(rank), size(size) {
  connectedGroups++;
}

ProcessGroup::~ProcessGroup() { disconnect(); }

bool ProcessGroup::anyConnected() { return connectedGroups > 0; }

void ProcessGroup::disconnect() {
  if (!backend) return;
  backend.reset();
  connectedGroups--;
}

c10d::Backend& ProcessGroup::running() const {
  if (!backend) throw std::invalid_argument("group: it is destroyed");
  return *backend;
}

c10::intrusive_ptr<c10d::Work> ProcessGroup::allReduce(const at::Tensor& tensor) const {
  std::vector<at::Tensor> tensors{dense(tensor)};
  return running().allreduce(tensors);
}

void ProcessGroup::sum(const at::Tensor& tensor) const {
  const auto begin = std::chrono::steady_clock::now();
  await(*allReduce(tensor));
  sums++;
  summedBytes += static_cast<int64_t>(tensor.nbytes());
  summingNanoseconds += std::chrono::nanoseconds(std::chrono::steady_clock::now() - begin).count();
}

void await(c10d::Work& work) {
  try {
    work.wait();
  } catch (const c10::Error& error) {
    throw CollectiveFailed(error.what_without_backtrace());
  } catch (const std::exception& error) {
    throw CollectiveFailed(error.what());
  }
}

const SharedGroup& processGroupIn(const Call& call, size_t index) {
  void* data = nullptr;
  bool tagged = false;
  if (napi_check_object_type_tag(call.env(), call.raw(index), &groupTag, &tagged) != napi_ok || !tagged) {
    throw std::invalid_argument("group: expected a process group");
  }
  call.check(napi_get_value_external(call.env(), call.raw(index), &data));
  return *static_cast<SharedGroup*>(data);
}

// A promise of the group, once all ranks have come.
FUNCTION(processGroupInit, "rank", "size", "host", "port", "file", "serves", "prefix", "timeout") {
  Rendezvous at{call.string(2), call.string(4), static_cast<uint16_t>(call.integer(3, 0, 65535)), call.boolean(5), call.string(6), 0, 0, milliseconds(0)};
  at.size = static_cast<int>(call.integer(1, 1, 1 << 20));
  at.rank = static_cast<int>(call.integer(0, 0, at.size - 1));
  at.timeout = milliseconds(call.integer(7, 1));
  napi_value promise;
  const Deferred deferred(call, "pspnet rendezvous", &promise);
  // A thread of its own: c10d waits without end for a store that takes the connection and does not answer.
  std::thread([at = std::move(at), deferred] {
    try {
      deferred.resolve([group = open(at)](napi_env env) { return makeGroup(env, group); });
    } catch (...) {
      deferred.reject(std::current_exception());
    }
  }).detach();
  return promise;
}

// In place: the sum, smallest or largest of what each rank holds.
FUNCTION(processGroupAllReduce, "group", "tensor", "operation") {
  const auto operation = call.string(2);
  c10d::AllreduceOptions options;
  if (operation == "min") options.reduceOp = c10d::ReduceOp::MIN;
  else if (operation == "max") options.reduceOp = c10d::ReduceOp::MAX;
  else if (operation != "sum") throw std::invalid_argument("operation: expected sum, min or max, found " + operation);
  std::vector<at::Tensor> tensors{dense(call.tensor(1))};
  const auto work = processGroupIn(call)->running().allreduce(tensors, options);
  return afterwards(call, work, std::move(tensors), makeUndefined());
}

// In place: what rank `root` holds.
FUNCTION(processGroupBroadcast, "group", "tensor", "root") {
  const auto& group = processGroupIn(call);
  c10d::BroadcastOptions options;
  options.rootRank = call.integer(2, 0, group->size - 1);
  std::vector<at::Tensor> tensors{dense(call.tensor(1))};
  const auto work = group->running().broadcast(tensors, options);
  return afterwards(call, work, std::move(tensors), makeUndefined());
}

// A promise of what all ranks hold, one upon another: `[size, ...tensor]`.
FUNCTION(processGroupAllGather, "group", "tensor") {
  const auto& group = processGroupIn(call);
  const auto own = call.tensor(1).detach().contiguous();
  TORCH_CHECK(own.is_cpu(), "expected a tensor of the CPU, found one of ", own.device());
  std::vector<int64_t> shape(own.sizes().vec());
  shape.insert(shape.begin(), group->size);
  const auto all = at::empty(shape, own.options());
  std::vector<at::Tensor> inputs{own};
  std::vector<std::vector<at::Tensor>> outputs(1);
  for (int rank = 0; rank < group->size; rank++) outputs[0].push_back(all.select(0, rank));
  const auto work = group->running().allgather(outputs, inputs);
  return afterwards(call, work, {own}, makeTensor(all));
}

FUNCTION(processGroupBarrier, "group") { return afterwards(call, processGroupIn(call)->running().barrier(), {}, makeUndefined()); }

// Of the sums that forward and backward waited for so far: how many, their bytes, and the seconds waited, float64 `[3]`.
FUNCTION(processGroupSums, "group") {
  const auto& group = processGroupIn(call);
  const std::vector<double> figures{double(group->sums), double(group->summedBytes), 1e-9 * double(group->summingNanoseconds)};
  return call.result(at::tensor(figures, at::kDouble));
}

// After a collective failed. Closes this rank's connections, so that all others fail too, and gives a promise of the ranks that have not
// come here within `patience` milliseconds, int64: those that are gone, or hang.
FUNCTION(processGroupLost, "group", "patience") {
  const auto group = processGroupIn(call);
  group->disconnect();
  const milliseconds patience(call.integer(1, 0));
  napi_value promise;
  const Deferred deferred(call, "pspnet lost ranks", &promise);
  std::thread([group, patience, deferred] {
    const auto told = std::make_shared<std::promise<std::vector<int64_t>>>();
    auto answer = told->get_future();
    std::thread([group, patience, told] { told->set_value(notCome(*group, patience)); }).detach();
    // A store waits without end for the process that holds it, where that hangs.
    const bool answered = answer.wait_for(patience + milliseconds(1000)) == std::future_status::ready;
    deferred.resolve(makeTensor(at::tensor(answered ? answer.get() : std::vector<int64_t>{0}, at::kLong)));
  }).detach();
  return promise;
}

FUNCTION(processGroupDestroy, "group") {
  const auto& group = processGroupIn(call);
  group->disconnect();
  group->store.reset();
  return call.undefined();
}

}  // namespace binding
