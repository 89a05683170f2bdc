#pragma once
#include <ATen/core/Tensor.h>

namespace binding {

// Bytes [n, h, w, c] as a network's input [n, c, H, W], channels-last, in `dtype`: byte b of channel k becomes table[k, b]
// (float32 [c, 256]), and with `reversed` stands in channel c - 1 - k. Below and to the right of the bytes, up to `size` = (H, W), there is 0.
at::Tensor bytesToFeatures(const at::Tensor& bytes, const at::Tensor& table, at::IntArrayRef size, at::ScalarType dtype, bool reversed);

}  // namespace binding
