// How often numbers of each size come.
#pragma once

#include <ATen/core/Tensor.h>

namespace binding {

/** Bins on each side of 0. */
constexpr int64_t histogramBins = 1024;

/**
 * Counts x, float32, in bins of one width, a power of two, the narrowest with which all lie within 1024 bins on either side of 0:
 * `[1 + 2048]` of float32, the width and the counts from the lowest bin. Zeros are not counted. Histograms of one value over several images
 * so add up, after pairs of the narrower one's bins have been put together. Numbers that are not finite make the width so.
 */
at::Tensor histogram(const at::Tensor& x);

}  // namespace binding
