// The inner loops of the gradient of filters in bfloat16: plain memory in, plain memory out.
#pragma once

#include "winogradKernels.h"

namespace binding {

struct FilterGradientKernels {
  /**
   * Pixels `begin` to `begin + 2 * pairs` of a line of `length`, `[pixel][channels]` of bfloat16, those beyond its ends 0, as words of two
   * neighbours: `[block][pair][channelBlock]`, where blocks lie `step` words apart. The channels beyond the last are 0.
   */
  void (*pairPixels)(const void* line, int64_t length, int64_t channels, int64_t begin, int64_t pairs, float* to, int64_t step);
  /** As WinogradKernels has it, of words of two places each. */
  void (*correlate)(const float* values, const float* lines, const Runs& runs, int64_t rows, float* to);
};

#ifdef WINOGRAD_KERNELS
extern const FilterGradientKernels avx512Bfloat16FilterGradientKernels;
#endif

}  // namespace binding
