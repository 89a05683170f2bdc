// Winograd's kernels for AVX2 with FMA.
#include "winogradKernels.h"

#ifdef WINOGRAD_KERNELS
#pragma GCC target("avx2,fma")

namespace binding {

namespace {

constexpr int lanes = 8, mostRows = 6;

}  // namespace

#include "winogradVectors.h"
#include "winogradFloat32.h"
#include "winogradTiles4.h"
#include "productBodies.h"
#include "winogradKernelBodies.h"
#include "winogradGradientBodies.h"
#include "correlationBodies.h"

const WinogradKernels avx2WinogradKernels{tileSide,         wordInputs,         mostRows,  transformInputs,         transformFilters, multiply,
                                          transformOutputs, transformGradients, correlate, transformFilterGradients};

}  // namespace binding
#endif
