// NCCL between GPUs by libtorch's c10d: a library of its own, since the addon must load where there is no CUDA.
#include "ncclBackend.h"

#define USE_C10D_NCCL 1
#include <torch/csrc/cuda/nccl.h>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

#include <cstdlib>
#include <string>

namespace {

/** Settings of c10d, unless the environment has others. */
void prepareEnvironment() {
  constexpr auto keep = 0;
  // After a timeout or an error communicators are aborted, so that nothing waits any more, but the process lives: it says what is wrong.
  setenv("TORCH_NCCL_ASYNC_ERROR_HANDLING", "2", keep);
  setenv("TORCH_NCCL_ENABLE_MONITORING", "0", keep);
  setenv("TORCH_NCCL_DUMP_ON_TIMEOUT", "0", keep);
}

}  // namespace

extern "C" {

__attribute__((visibility("default"))) const char* pspnetNcclProblem() {
  // c10d's classes hold structures of NCCL's header, which grow.
  constexpr uint64_t own = (uint64_t{NCCL_MAJOR} << 16) | NCCL_MINOR;
  const auto found = torch::cuda::nccl::version() >> 16;
  static const auto problem = "it was built with the header of NCCL " + std::to_string(NCCL_MAJOR) + "." + std::to_string(NCCL_MINOR) + ", and libtorch with that of " +
                              std::to_string(found >> 16) + "." + std::to_string(found & 0xffff);
  return found == own ? nullptr : problem.c_str();
}

__attribute__((visibility("default"))) void pspnetMakeNccl(const binding::NcclPlace& place, c10::intrusive_ptr<c10d::Backend>& made) {
  prepareEnvironment();
  const auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = place.timeout;
  // All are there by now: they connect here, and what is wrong is told here.
  options->config.blocking = 1;
  auto backend = c10::make_intrusive<c10d::ProcessGroupNCCL>(place.store, place.rank, place.size, options);
  backend->setBoundDeviceId(place.device);
  backend->eagerConnectSingleDevice(place.device);
  made = std::move(backend);
}
}
