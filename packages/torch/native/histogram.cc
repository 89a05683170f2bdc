#include "histogram.h"

#include <ATen/ops/abs.h>
#include <ATen/ops/max.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <mutex>
#include <vector>

#include "parallel.h"

namespace binding {

at::Tensor histogram(const at::Tensor& x) {
  TORCH_CHECK(x.is_cpu() && x.scalar_type() == at::kFloat, "histogram: expected float32 on the processor, found ", x.scalar_type());
  auto found = at::zeros({1 + 2 * histogramBins}, x.options());
  auto* to = found.mutable_data_ptr<float>();
  const auto values = x.is_non_overlapping_and_dense() ? x : x.contiguous();
  const float largest = values.numel() == 0 ? 0.0f : values.abs().max().item<float>();
  to[0] = largest;
  if (!std::isfinite(largest) || largest == 0.0f) return found;
  // The largest number itself lies below the end of the last bin.
  int exponent = 0;
  std::frexp(largest / static_cast<float>(histogramBins), &exponent);
  const float width = std::ldexp(1.0f, exponent);
  to[0] = width;
  const auto* from = values.const_data_ptr<float>();
  std::mutex mutex;
  constexpr int64_t grain = 1 << 18;
  parallelFor(values.numel(), grain, [&](int64_t begin, int64_t end) {
    std::vector<int64_t> counts(2 * histogramBins);
    for (int64_t i = begin; i < end; i++) {
      if (from[i] != 0.0f) counts[static_cast<int64_t>(std::floor(from[i] / width)) + histogramBins]++;
    }
    const std::lock_guard lock(mutex);
    for (int64_t bin = 0; bin < 2 * histogramBins; bin++) to[1 + bin] += static_cast<float>(counts[bin]);
  });
  return found;
}

}  // namespace binding
