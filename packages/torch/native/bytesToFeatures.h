#pragma once
#include <ATen/core/Tensor.h>

namespace binding {

/** How bytes [n, h, w, c] become a network's input. */
struct ByteInput {
  /** What byte b of channel k becomes, table[k, b]; float32 [c, 256]. */
  at::Tensor table;
  /** Whether channel k stands in channel c - 1 - k. */
  bool reversed;
};

/** The part of images that a network looks at. */
struct Look {
  /** The size that the images are resized to, bilinearly with half-pixel centres and without smoothing. */
  int64_t height, width;
  /** Upper left corner there, of which beyond the images there is 0. */
  int64_t top, left;
  int64_t rows, columns;
  /** Whether each image is followed by the mirror image of the same. */
  bool flip;
};

// The network's input [looks n, c, H, W], or with `flip` [2 looks n, c, H, W], channels-last, in `dtype`, made of just the bytes that are
// looked at. All looks show as many rows and columns. Below and to the right of them, up to `size` = (H, W), there is 0.
at::Tensor bytesToFeatures(const at::Tensor& bytes, const ByteInput& input, at::ArrayRef<Look> looks, at::IntArrayRef size, at::ScalarType dtype);

}  // namespace binding
