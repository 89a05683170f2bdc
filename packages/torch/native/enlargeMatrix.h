#pragma once
#include <ATen/core/Tensor.h>

#include "alignCorners.h"

namespace binding {

// The matrix that enlarges `bins` values to `size`, float64 [size, taps * bins], as enlargeMatrix of @pspnet/core makes it.
at::Tensor enlargeMatrix(int64_t size, int64_t bins, int64_t taps, AlignCorners alignCorners);

// That to the size of dimension `dim` of `x` as a batch of one, [1, size, taps * bins]; of the type of `x`, where that is.
at::Tensor enlargeMatrix(const at::Tensor& x, int64_t dim, int64_t bins, int64_t taps, AlignCorners alignCorners);

}  // namespace binding
