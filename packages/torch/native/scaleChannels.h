// What is left of batch norm where no convolution takes it in.
#pragma once

#include <ATen/core/Tensor.h>

namespace binding {

/** What an activation limits values to. */
struct Range {
  float low, high;
};

/**
 * x times a number for each channel, plus another, between two bounds: x is `[n, c, h, w]`, `factor` and `summand`, which may be left out,
 * `[c]` of float32. NaN stays NaN. The result lies channels-last without gaps.
 */
at::Tensor scaleChannels(const at::Tensor& x, const at::Tensor& factor, const at::Tensor& summand, Range range);

}  // namespace binding
