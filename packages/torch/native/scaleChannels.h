// What is left of batch norm where no convolution takes it in.
#pragma once

#include <ATen/core/Tensor.h>

namespace binding {

/** What an activation limits values to. */
struct Range {
  float low, high;
};

/**
 * How far apart pixels of x, `[n, c, h, w]`, lie in memory, when all lie one distance apart with their channels side by side, as in channels-last
 * and in some of the channels of that; else 0.
 */
int64_t rowStride(const at::Tensor& x);

/**
 * x times a number for each channel, plus another, between two bounds: x is `[n, c, h, w]`, `factor` and `summand`, which may be left out,
 * `[c]` of float32. NaN stays NaN. The result lies channels-last without gaps.
 */
at::Tensor scaleChannels(const at::Tensor& x, const at::Tensor& factor, const at::Tensor& summand, Range range);

}  // namespace binding
