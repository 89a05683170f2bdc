// Threads, random seed, devices and versions.
#include "device.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <torch/version.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "call.h"
#include "library.h"
#include "processor.h"

namespace binding {

namespace {

#ifdef _WIN32
constexpr auto driver = "nvcuda.dll", cudaPart = "torch_cuda.dll";
#else
constexpr auto driver = "libcuda.so.1", cudaPart = "libtorch_cuda.so";
#endif

/** float32 is float32: libtorch rounds a convolution's operands to 10 bits on a GPU unless it is told not to. */
void computeExactly() {
  at::globalContext().setAllowTF32CuDNN(false);
  at::globalContext().setAllowTF32CuBLAS(false);
}

/** Loads libtorch's CUDA part where there is a driver, before anybody asks for CUDA: the answer is given once. Empty when it is in. */
const std::string& loadCuda() {
  static const std::string problem = []() -> std::string {
    if (!loadLibrary(driver).empty()) return std::string("no NVIDIA driver (") + driver + ") is installed";
    const auto library = std::filesystem::path(folderOfLibrary(reinterpret_cast<void*>(&at::globalContext))) / cudaPart;
    if (!std::filesystem::exists(library)) return library.string() + " is absent: this libtorch is built or trimmed for processors only";
    auto failed = loadLibrary(library.string());
    if (failed.empty()) computeExactly();
    return failed;
  }();
  return problem;
}

const bool cudaLoaded = loadCuda().empty();

}  // namespace

int64_t gpuCount() { return cudaLoaded ? at::detail::getCUDAHooks().deviceCount() : 0; }

const std::string& cudaProblem() {
  static const std::string blind = "the driver sees no GPU", none;
  if (!cudaLoaded) return loadCuda();
  return gpuCount() > 0 ? none : blind;
}

FUNCTION(cudaProblem) { return call.result(cudaProblem()); }

// The most bytes that tensors on a GPU have used at once.
FUNCTION(gpuMemory, "device") {
  const auto device = call.device(0);
  TORCH_CHECK(device.is_cuda() && gpuCount() > 0, "expected a GPU, found ", device);
  const auto figures = at::getDeviceAllocator(device.type())->getDeviceStats(device.index());
  return call.result(figures.allocated_bytes[static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE)].peak);
}

FUNCTION(gpuCount) { return call.result(gpuCount()); }

FUNCTION(manualSeed, "seed") {
  at::manual_seed(static_cast<uint64_t>(call.integer(0)));
  return call.undefined();
}

FUNCTION(numThreads) { return call.result(static_cast<int64_t>(at::get_num_threads())); }

// The system refuses more threads than it has room for by ending the process, so there is a limit far above any use.
FUNCTION(setNumThreads, "count") {
  const int64_t most = std::max<int64_t>(64, 4 * std::thread::hardware_concurrency());
  at::set_num_threads(static_cast<int>(call.integer(0, 1, most)));
  flushDenormalsInPool();
  return call.undefined();
}

FUNCTION(fastBfloat16) { return call.result(oneDnnIsFastAtBfloat16()); }

FUNCTION(bfloat16Instructions) { return call.result(oneDnnUsesBfloat16Instructions()); }

FUNCTION(version) { return call.result(std::string(TORCH_VERSION)); }

}  // namespace binding
