// Real numbers as bytes and back: x = scale * (byte - zeroPoint).
#pragma once

#include <ATen/core/Tensor.h>

#include "call.h"

namespace binding {

struct Quantisation {
  double scale = 1;
  int64_t zeroPoint = 0;
};

/** A call's first two arguments, `scale`, above 0, and `zeroPoint`, 0..255. */
Quantisation quantisationOf(const Call& call);

/** x, float32, as uint8: to the nearest, the even one of two, and to 0 or 255 where it lies beyond. `[n, c, h, w]` lies channels-last. */
at::Tensor quantise(const at::Tensor& x, Quantisation as);

/** What quantised bytes stand for, in float32, as they lie. */
at::Tensor dequantise(const at::Tensor& bytes, Quantisation as);

}  // namespace binding
