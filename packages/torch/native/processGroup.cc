#include "processGroup.h"

#include <ATen/Version.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <c10/util/Logging.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <string_view>
#include <thread>
#include <utility>

#define USE_C10D_GLOO 1
#include <torch/csrc/distributed/c10d/FileStore.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <torch/version.h>

#include "computeThread.h"
#include "deferred.h"
#include "device.h"
#include "library.h"
#include "nccl/ncclBackend.h"

namespace binding {

namespace {

using c10d::ProcessGroupGloo;
using std::chrono::milliseconds;

constexpr napi_type_tag groupTag{0x8c41d7f20b3e95a6, 0x13f6a2c85d7049eb};

using SharedGroup = c10::intrusive_ptr<ProcessGroup>;

std::atomic<int> connectedGroups{0};

std::string ncclPath() {
  return (std::filesystem::path(folderOfLibrary(reinterpret_cast<void*>(&folderOfLibrary))) / ncclLibrary).string();
}

/** Empty when NCCL works, else why it does not. Loads it, once. */
const std::string& ncclProblem() {
  static const std::string problem = []() -> std::string {
    if (const auto& cuda = cudaProblem(); !cuda.empty()) return cuda;
    const auto path = ncclPath();
    if (!std::filesystem::exists(path)) return path + " is absent: the addon was built without the headers of CUDA and NCCL";
    if (const auto failed = loadLibrary(path); !failed.empty()) return failed;
    const char* misfit = reinterpret_cast<NcclProblem>(symbolOf(path, ncclProblemName))();
    return misfit == nullptr ? "" : path + ": " + misfit;
  }();
  return problem;
}

/** The declarations of native/gloo are right for these. */
void checkVersion() {
  constexpr int first = 11, last = 15;
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
  /** Of the memory that ranks exchange. */
  at::Device device;

  bool local() const { return host == "localhost" || host == "127.0.0.1" || host == "::1"; }
};

c10::intrusive_ptr<c10d::Store> openStore(const Rendezvous& at) {
  c10::intrusive_ptr<c10d::Store> store;
  if (!at.file.empty()) {
    store = c10::make_intrusive<c10d::FileStore>(at.file, -1);
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

c10::intrusive_ptr<c10d::Backend> gloo(const c10::intrusive_ptr<c10d::Store>& store, const Rendezvous& at, int threads) {
  const auto options = ProcessGroupGloo::Options::create(at.timeout);
  options->devices = devices(at);
  options->threads = threads;
  return c10::make_intrusive<ProcessGroupGloo>(store, at.rank, at.size, options);
}

c10::intrusive_ptr<c10d::Backend> nccl(const c10::intrusive_ptr<c10d::Store>& store, const Rendezvous& at) {
  const auto make = reinterpret_cast<MakeNccl>(symbolOf(ncclPath(), makeNcclName));
  c10::intrusive_ptr<c10d::Backend> made;
  make({store, at.rank, at.size, at.timeout, at.device}, made);
  return made;
}

/** What goes wrong is told by an Error: c10d's own log would show each with its stack, on every rank. */
void quieten() {
  if (std::getenv("TORCH_CPP_LOG_LEVEL") == nullptr) FLAGS_caffe2_log_level = c10::GLOG_FATAL;
  else c10::initLogging();
}

SharedGroup open(const Rendezvous& at) {
  checkVersion();
  if (at.device.is_cuda()) TORCH_CHECK(ncclProblem().empty(), "NCCL cannot be used: ", ncclProblem());
  quieten();
  const auto store = openStore(at);
  meet(*store, at);
  const auto make = [&](auto backend, auto sumBackend) {
    return c10::make_intrusive<ProcessGroup>(store, at.prefix.empty() ? at.file : "", backend, sumBackend, at.rank, at.size, at.device);
  };
  if (at.device.is_cuda()) {
    const auto backend = nccl(store, at);
    return make(backend, backend);
  }
  const auto backend = gloo(store, at, 2);
  return make(backend, gloo(c10::make_intrusive<c10d::PrefixStore>("sum", store), at, 1));
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

/** The failure of a collective, from what c10d throws. */
CollectiveFailed failure(const std::exception& error) {
  const auto* libtorch = dynamic_cast<const c10::Error*>(&error);
  return CollectiveFailed(libtorch ? libtorch->what_without_backtrace() : error.what());
}

/** A promise of what `make` gives once a collective is done. */
napi_value afterwards(const Call& call, const ProcessGroup& group, Collective collective, std::function<MakeValue()> make) {
  // The future of a collective between GPUs is there once it is queued.
  if (group.device.is_cuda()) {
    return computeLater(call, std::function<MakeValue()>([collective = std::move(collective), make = std::move(make)] {
                          collective.finish();
                          return make();
                        }));
  }
  napi_value promise;
  const Deferred deferred(call, "pspnet collective", &promise);
  const auto work = collective.work;
  work->getFuture()->addCallback([deferred, collective = std::move(collective), make = std::move(make)](c10::ivalue::Future& done) mutable {
    try {
      if (done.hasError()) throw CollectiveFailed(done.tryRetrieveErrorMessage());
      collective.restore();
      collective = {};
      deferred.resolve(std::exchange(make, nullptr)());
    } catch (...) {
      deferred.reject(std::current_exception());
    }
  });
  return promise;
}

/** The ranks that do not say in the group's store within `patience` that a collective failed. */
std::vector<int64_t> notCome(const ProcessGroup& group, const c10::intrusive_ptr<c10d::Store>& store, milliseconds patience) {
  const auto key = [](int rank) { return "failed/" + std::to_string(rank); };
  std::vector<int64_t> lost;
  const auto end = std::chrono::steady_clock::now() + patience;
  try {
    store->add(key(group.rank), 1);
    for (int rank = 0; rank < group.size; rank++) {
      while (!store->check({key(rank)}) && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(milliseconds(20));
      if (!store->check({key(rank)})) lost.push_back(rank);
    }
    // Others look at the store as long.
    if (group.rank == 0) std::this_thread::sleep_for(milliseconds(200));
  } catch (const c10::Error&) {
    // The store is gone with the process that held it.
    return {0};
  }
  return lost;
}

/** Throws once the group is destroyed. */
c10d::Backend& connected(const c10::intrusive_ptr<c10d::Backend>& backend) {
  if (!backend) throw std::invalid_argument("group: it is destroyed");
  return *backend;
}

/** What ranks exchange in place of `tensor`. */
at::Tensor onDeviceOf(const ProcessGroup& group, const at::Tensor& tensor) {
  TORCH_CHECK(tensor.is_non_overlapping_and_dense(), "expected a dense tensor; make it contiguous first");
  return tensor.detach().to(group.device);
}

/** A collective of `begin(tensors)` on `tensor`, in place. */
template <typename Begin>
Collective begun(const ProcessGroup& group, const at::Tensor& tensor, const Begin& begin) {
  std::vector<at::Tensor> tensors{onDeviceOf(group, tensor)};
  try {
    auto work = begin(tensors);
    return {std::move(work), tensor.detach(), tensors[0]};
  } catch (const c10::Error& error) {
    // Of NCCL, whose communicator may have been aborted by now; Gloo refuses what it is given here.
    if (group.device.is_cpu()) throw;
    throw failure(error);
  }
}

/**
 * Adds up a small `tensor` over `size` ranks: each sends its own to each, so that all wait for one message, where a ring of Gloo's has
 * 2 (size - 1), one after the other. All add in the order of ranks, so that they find the same.
 */
void addUp(c10d::Backend& gloo, const at::Tensor& tensor, int size) {
  auto shape = tensor.sizes().vec();
  shape.insert(shape.begin(), size);
  auto own = tensor.detach().cpu().expand(shape).contiguous(), all = at::empty_like(own);
  std::vector<int64_t> evenly;
  Collective{gloo.alltoall_base(all, own, evenly, evenly), {}, {}}.precede();
  auto sum = all[0];
  for (int rank = 1; rank < size; rank++) sum.add_(all[rank]);
  tensor.copy_(sum);
}

}  // namespace

void Collective::precede() const {
  try {
    work->wait();
  } catch (const std::exception& error) {
    throw failure(error);
  }
  restore();
}

void Collective::restore() const {
  if (own.defined() && !exchanged.is_alias_of(own)) own.copy_(exchanged);
}

void Collective::finish() const {
  precede();
  // Between GPUs nothing is waited for above.
  while (!work->isCompleted()) std::this_thread::sleep_for(std::chrono::microseconds(100));
  try {
    if (const auto thrown = work->exception()) std::rethrow_exception(thrown);
  } catch (const std::exception& error) {
    throw failure(error);
  }
}

ProcessGroup::ProcessGroup(c10::intrusive_ptr<c10d::Store> store, std::string file, c10::intrusive_ptr<c10d::Backend> backend,
                           c10::intrusive_ptr<c10d::Backend> sumBackend, int rank, int size, at::Device device)
    : store(std::move(store)), file(std::move(file)), backend(std::move(backend)), sumBackend(std::move(sumBackend)), rank(rank), size(size), device(device) {
  connectedGroups++;
}

ProcessGroup::~ProcessGroup() {
  disconnect(false);
  leaveStore();
}

bool ProcessGroup::anyConnected() { return connectedGroups > 0; }

void ProcessGroup::disconnect(bool abruptly) {
  sumBackend = nullptr;
  const auto ended = std::exchange(backend, nullptr);
  if (!ended) return;
  connectedGroups--;
  if (device.is_cpu()) return;
  if (abruptly) ended->abort();
  else ended->shutdown();
}

void ProcessGroup::leaveStore() {
  auto left = std::exchange(store, nullptr);
  if (!left || file.empty()) return;
  // c10d's own way, at the store's end, counts in two steps: where two ranks count in between each other none removes the file, and one that
  // counts after that makes it anew. So it never ends here.
  auto* const kept = left.release();
  try {
    if (kept->add("left", 1) == size) std::filesystem::remove(file);
  } catch (const std::exception&) {
    // A file that cannot be written any more is not there, or not ours.
  }
}

c10d::Backend& ProcessGroup::running() const { return connected(backend); }

Collective ProcessGroup::allReduce(const at::Tensor& tensor) const {
  return begun(*this, tensor, [&](auto& tensors) { return running().allreduce(tensors); });
}

void ProcessGroup::sum(const at::Tensor& tensor) const {
  const auto begin = std::chrono::steady_clock::now();
  if (device.is_cuda()) allReduce(tensor).precede();
  else addUp(connected(sumBackend), tensor, size);
  sums++;
  summedBytes += static_cast<int64_t>(tensor.nbytes());
  summingNanoseconds += std::chrono::nanoseconds(std::chrono::steady_clock::now() - begin).count();
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

// Empty when processes can exchange the memory of GPUs, else why not.
FUNCTION(ncclProblem) { return call.result(ncclProblem()); }

// A promise of the group, once all ranks have come. `device` is whose memory they exchange: of a GPU by NCCL, else by Gloo.
FUNCTION(processGroupInit, "rank", "size", "host", "port", "file", "serves", "prefix", "timeout", "device") {
  Rendezvous at{call.string(2), call.string(4), static_cast<uint16_t>(call.integer(3, 0, 65535)), call.boolean(5), call.string(6), 0, 0, milliseconds(0), call.device(8)};
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
  const auto& group = *processGroupIn(call);
  return afterwards(call, group, begun(group, call.tensor(1), [&](auto& tensors) { return group.running().allreduce(tensors, options); }), makeUndefined);
}

// In place: what rank `root` holds.
FUNCTION(processGroupBroadcast, "group", "tensor", "root") {
  const auto& group = *processGroupIn(call);
  c10d::BroadcastOptions options;
  options.rootRank = call.integer(2, 0, group.size - 1);
  return afterwards(call, group, begun(group, call.tensor(1), [&](auto& tensors) { return group.running().broadcast(tensors, options); }), makeUndefined);
}

// A promise of what all ranks hold, one upon another: `[size, ...tensor]`.
FUNCTION(processGroupAllGather, "group", "tensor") {
  const auto& group = *processGroupIn(call);
  const auto own = onDeviceOf(group, call.tensor(1).contiguous());
  std::vector<int64_t> shape(own.sizes().vec());
  shape.insert(shape.begin(), group.size);
  const auto all = at::empty(shape, own.options());
  std::vector<std::vector<at::Tensor>> outputs(1);
  for (int rank = 0; rank < group.size; rank++) outputs[0].push_back(all.select(0, rank));
  const auto gathering = begun(group, own, [&](auto& inputs) { return group.running().allgather(outputs, inputs); });
  return afterwards(call, group, gathering, [all, device = call.tensor(1).device()] { return makeTensor(all.to(device)); });
}

FUNCTION(processGroupBarrier, "group") {
  const auto& group = *processGroupIn(call);
  return afterwards(call, group, {group.running().barrier(), {}, {}}, makeUndefined);
}

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
  group->disconnect(true);
  // Which the group may let go of meanwhile.
  const auto store = group->store;
  if (!store) throw std::invalid_argument("group: it is destroyed");
  const milliseconds patience(call.integer(1, 0));
  napi_value promise;
  const Deferred deferred(call, "pspnet lost ranks", &promise);
  std::thread([group, store, patience, deferred] {
    const auto told = std::make_shared<std::promise<std::vector<int64_t>>>();
    auto answer = told->get_future();
    std::thread([group, store, patience, told] { told->set_value(notCome(*group, store, patience)); }).detach();
    // A store waits without end for the process that holds it, where that hangs.
    const bool answered = answer.wait_for(patience + milliseconds(1000)) == std::future_status::ready;
    deferred.resolve(makeTensor(at::tensor(answered ? answer.get() : std::vector<int64_t>{0}, at::kLong)));
  }).detach();
  return promise;
}

FUNCTION(processGroupDestroy, "group") {
  const auto& group = processGroupIn(call);
  group->disconnect(false);
  group->leaveStore();
  return call.undefined();
}

}  // namespace binding
