#pragma once
#include <ATen/core/Tensor.h>

#include "alignCorners.h"

namespace binding {

// The class of each pixel, uint8 [n, H, W]: the argmax of `logits` [n, c, h, w], enlarged bilinearly to `size`, of which the upper
// left `crop` = (H, W) is wanted. The first of equals wins. At most 256 classes.
at::Tensor upsampledArgmax(const at::Tensor& logits, at::IntArrayRef size, at::IntArrayRef crop, AlignCorners alignCorners);

}  // namespace binding
