// Winograd's kernels for AVX-512.
#include "winogradKernels.h"

#ifdef WINOGRAD_KERNELS
#pragma GCC target("avx512f,avx512vl,avx512bw,avx512dq,fma,prefer-vector-width=512")

namespace binding {

namespace {

constexpr int lanes = 16, mostRows = 14;

}  // namespace

#include "winogradVectors.h"
#include "winogradFloat32.h"
#include "winogradTiles4.h"
#include "productBodies.h"
#include "winogradKernelBodies.h"
#include "winogradGradientBodies.h"
#include "correlationBodies.h"

const WinogradKernels avx512WinogradKernels{tileSide,         wordInputs,         mostRows,  transformInputs,         transformFilters, multiply,
                                          transformOutputs, transformGradients, correlate, transformFilterGradients};

}  // namespace binding
#endif
