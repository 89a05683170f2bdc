// The inner loops of the gradient of filters in bfloat16: plain memory in, plain memory out.
#pragma once

#include "winogradKernels.h"

namespace binding {

/** Pixels of bfloat16 that lie one after the other. */
struct PixelRow {
  const void* pixels;
  int64_t length;
};

struct FilterGradientKernels {
  /**
   * Two rows of pixels, `[pixel][channels]` of bfloat16, as words of a pixel of each: `[block][pixel][channelBlock]`, where blocks lie `step`
   * words apart. Beyond a row's length, and beyond the last channel, they are 0.
   */
  void (*pairRows)(const PixelRow& first, const PixelRow& second, int64_t pixels, int64_t channels, float* to, int64_t step);
  /** As WinogradKernels has it, of words of two places each. */
  void (*correlate)(const float* values, const float* lines, const Runs& runs, int64_t rows, float* to);
};

#ifdef WINOGRAD_KERNELS
extern const FilterGradientKernels avx512Bfloat16FilterGradientKernels;
#endif

}  // namespace binding
