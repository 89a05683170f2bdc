// Winograd's kernels for AVX512-BF16.
#include "winogradKernels.h"

#ifdef WINOGRAD_KERNELS
#include <immintrin.h>
#pragma GCC target("avx512f,avx512vl,avx512bw,avx512dq,avx512bf16,fma,prefer-vector-width=512")

namespace binding {

namespace {

constexpr int lanes = 16, mostRows = 14;

}  // namespace

#include "winogradVectors.h"
#include "winogradBfloat16.h"
#include "winogradTiles3.h"
#include "productBodies.h"
#include "winogradKernelBodies.h"

const WinogradKernels avx512Bfloat16WinogradKernels{tileSide, wordInputs, mostRows, transformInputs, transformFilters, multiply, transformOutputs};

}  // namespace binding
#endif
