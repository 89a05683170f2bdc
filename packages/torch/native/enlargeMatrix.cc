#include "enlargeMatrix.h"

#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

namespace binding {

namespace {

/** Where position i of `size` falls between `bins` values. */
double sourceOf(int64_t i, int64_t size, int64_t bins, AlignCorners alignCorners) {
  const auto last = double(bins - 1);
  switch (alignCorners) {
    case AlignCorners::yes:
      return double(i * (bins - 1)) / double(std::max<int64_t>(size - 1, 1));
    case AlignCorners::no:
      return std::clamp((i + 0.5) * double(bins) / double(size) - 0.5, 0.0, last);
    case AlignCorners::asymmetric:
      return std::min(double(i * bins) / double(size), last);
  }
  TORCH_CHECK(false, "no such rule");
}

}  // namespace

at::Tensor enlargeMatrix(int64_t size, int64_t bins, int64_t taps, AlignCorners alignCorners) {
  TORCH_CHECK(bins > 0 && taps > 0 && taps % 2 == 1, "expected bins from 1 up and an odd number of taps, found ", bins, " and ", taps);
  const auto matrix = at::zeros({size, taps * bins}, at::kDouble);
  auto* cell = matrix.mutable_data_ptr<double>();
  for (int64_t row = 0; row < size; row++) {
    for (int64_t tap = 0; tap < taps; tap++, cell += bins) {
      const int64_t position = row + tap - taps / 2;
      if (position < 0 || position >= size) continue;
      const double at = sourceOf(position, size, bins, alignCorners);
      const auto below = static_cast<int64_t>(at);
      const double fraction = at - double(below);
      cell[below] = 1 - fraction;
      if (fraction > 0) cell[below + 1] = fraction;
    }
  }
  return matrix;
}

at::Tensor enlargeMatrix(const at::Tensor& x, int64_t dim, int64_t bins, int64_t taps, AlignCorners alignCorners) {
  const auto real = x.is_floating_point() ? x.options() : x.options().dtype(at::kFloat);
  return enlargeMatrix(x.size(dim), bins, taps, alignCorners).unsqueeze(0).to(real);
}

}  // namespace binding
