// Threads, random seed, devices and versions.
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <torch/version.h>

#include <filesystem>

#include "call.h"

namespace binding {

namespace {

std::string libtorchFolder() {
  Dl_info information{};
  if (dladdr(reinterpret_cast<void*>(&at::globalContext), &information) == 0) return "";
  return std::filesystem::path(information.dli_fname).parent_path().string();
}

/** Loads libtorch_cuda where there is a driver, before anybody asks for CUDA: the answer is given once. Empty when it is in. */
const std::string& loadCuda() {
  static const std::string problem = [] () -> std::string {
    if (dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL) == nullptr) return "no NVIDIA driver (libcuda.so.1) is installed";
    const auto library = libtorchFolder() + "/libtorch_cuda.so";
    if (!std::filesystem::exists(library)) return library + " is absent: this libtorch is built or trimmed for processors only";
    if (dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) return dlerror();
    return "";
  }();
  return problem;
}

const bool cudaLoaded = loadCuda().empty();

}  // namespace

// Empty when CUDA works, else why it does not.
FUNCTION(cudaProblem) {
  if (!cudaLoaded) return call.result(loadCuda());
  return call.result(std::string(at::detail::getCUDAHooks().deviceCount() > 0 ? "" : "the driver sees no GPU"));
}

FUNCTION(manualSeed, "seed") {
  const auto seed = static_cast<uint64_t>(call.integer(0));
  at::manual_seed(seed);
  return call.undefined();
}

FUNCTION(numThreads) { return call.result(static_cast<int64_t>(at::get_num_threads())); }

FUNCTION(setNumThreads, "count") {
  const auto count = call.integer(0);
  if (count < 1) throw std::invalid_argument("count: expected at least 1, found " + std::to_string(count));
  at::set_num_threads(static_cast<int>(count));
  flushDenormalsInPool();
  return call.undefined();
}

// Whether the processor multiplies bfloat16 matrices in hardware. (Those with AMX have AVX512-BF16 too.)
FUNCTION(fastBfloat16) {
#ifdef __x86_64__
  return call.result(__builtin_cpu_supports("avx512bf16") != 0);
#else
  return call.result(false);
#endif
}

FUNCTION(version) { return call.result(std::string(TORCH_VERSION)); }

}  // namespace binding
