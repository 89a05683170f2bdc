// Winograd's kernels for AVX-512.
#include "winogradKernels.h"

#ifdef WINOGRAD_KERNELS
#pragma GCC target("avx512f,avx512vl,avx512bw,avx512dq,fma,prefer-vector-width=512")

namespace binding {

namespace {

constexpr int lanes = 16, mostRows = 14;

}  // namespace

#include "winogradKernelBodies.h"

const WinogradKernels avx512WinogradKernels = kernels;

}  // namespace binding
#endif
