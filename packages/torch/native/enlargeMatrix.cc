#include "enlargeMatrix.h"

#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

namespace binding {

at::Tensor enlargeMatrix(const at::Tensor& x, int64_t dim, int64_t bins, int64_t taps, bool alignCorners) {
  TORCH_CHECK(bins > 0 && taps > 0 && taps % 2 == 1, "expected bins from 1 up and an odd number of taps, found ", bins, " and ", taps);
  const int64_t size = x.size(dim);
  const auto matrix = at::zeros({1, size, taps * bins}, at::kDouble);
  auto* cell = matrix.mutable_data_ptr<double>();
  for (int64_t row = 0; row < size; row++) {
    for (int64_t tap = 0; tap < taps; tap++, cell += bins) {
      const int64_t position = row + tap - taps / 2;
      if (position < 0 || position >= size) continue;
      const double at = alignCorners ? double(position * (bins - 1)) / double(std::max<int64_t>(size - 1, 1))
                                     : std::clamp((position + 0.5) * double(bins) / double(size) - 0.5, 0.0, double(bins - 1));
      const auto below = static_cast<int64_t>(at);
      const double fraction = at - double(below);
      cell[below] = 1 - fraction;
      if (fraction > 0) cell[below + 1] = fraction;
    }
  }
  return matrix.to(x.options());
}

}  // namespace binding
