// Winograd's kernels for AVX2 with FMA.
#include "winogradKernels.h"

#ifdef WINOGRAD_KERNELS
#pragma GCC target("avx2,fma")

namespace binding {

namespace {

constexpr int lanes = 8, mostRows = 6;

}  // namespace

#include "winogradKernelBodies.h"

const WinogradKernels avx2WinogradKernels = kernels;

}  // namespace binding
#endif
