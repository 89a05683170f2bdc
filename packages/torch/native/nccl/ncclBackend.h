// What the library of NCCL gives the addon: the names of its functions, which are looked up by them.
#pragma once

#include <c10/core/Device.h>
#include <c10/util/intrusive_ptr.h>

#include <chrono>

namespace c10d {
class Backend;
class Store;
}  // namespace c10d

namespace binding {

struct NcclPlace {
  const c10::intrusive_ptr<c10d::Store>& store;
  int rank, size;
  std::chrono::milliseconds timeout;
  at::Device device;
};

/** Why NCCL cannot be used with the libtorch that is loaded; null when it can. */
using NcclProblem = const char* (*)();
/** Sets `made` to c10d's backend of this rank, which is connected to all others then. Throws c10::Error. */
using MakeNccl = void (*)(const NcclPlace& place, c10::intrusive_ptr<c10d::Backend>& made);

constexpr auto ncclLibrary = "pspnet_nccl.so", ncclProblemName = "pspnetNcclProblem", makeNcclName = "pspnetMakeNccl";

}  // namespace binding
