// Pools of quantised images.
#pragma once

#include <ATen/core/Tensor.h>

#include "quantise.h"

namespace binding {

struct PoolOfBytes {
  int64_t kernel, stride, padding;
  /** Whether sizes are rounded up. */
  bool ceil;
};

/** The largest byte of each window of `[n, c, h, w]`, channels-last. Padding never counts. */
at::Tensor maxPoolOfBytes(const at::Tensor& bytes, PoolOfBytes pool);

/** The mean of each cell of an adaptive average pool, of what the bytes `[n, c, h, w]` stand for: float32 `[n, c, *bins]`, exact up to rounding. */
at::Tensor meansOfBytes(const at::Tensor& bytes, at::IntArrayRef bins, Quantisation as);

}  // namespace binding
