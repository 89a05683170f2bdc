#pragma once
#include <ATen/core/Tensor.h>

namespace binding {

// The matrix that enlarges `bins` values to the size of dimension `dim` of `x`, [1, size, taps * bins], as enlargeMatrix of @pspnet/core
// makes it; of the type of `x`, where that is.
at::Tensor enlargeMatrix(const at::Tensor& x, int64_t dim, int64_t bins, int64_t taps, bool alignCorners);

}  // namespace binding
