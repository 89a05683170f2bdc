// The class of each pixel without enlarged logits: output rows are walked one at a time, as in upsampledCrossEntropy.cc.
#include "upsampledArgmax.h"

#include <ATen/ops/empty.h>

#include <vector>

#include "bilinear.h"
#include "parallel.h"

namespace binding {

namespace {

/** The best class between the columns p and q. `z` is scratch. */
FOR_EACH_CPU
uint8_t best(const float* p, const float* q, float* z, float fraction, int64_t padded, int64_t classes) {
  const float top = between(z, p, q, fraction, padded);
  return firstOf(z, top, padded, classes);
}

at::Tensor byKernel(const at::Tensor& logits, at::IntArrayRef size, at::IntArrayRef crop, AlignCorners alignCorners) {
  const LogitRows source(logits);
  const auto labels = at::empty({source.n, crop[0], crop[1]}, at::kByte);
  const Axis down(source.h, size[0], alignCorners), across(source.w, size[1], alignCorners);
  auto* to = labels.mutable_data_ptr<uint8_t>();
  parallelFor(source.n * crop[0], 8, [&](int64_t begin, int64_t end) {
    auto row = source.room();
    std::vector<float> z(source.padded);
    for (int64_t task = begin; task < end; task++) {
      const int64_t image = task / crop[0], y = task % crop[0];
      source.between(row.data(), image, down.below[y], down.fraction[y]);
      for (int64_t x = 0; x < crop[1]; x++) {
        const float* left = &row[across.below[x] * source.padded];
        to[task * crop[1] + x] = best(left, left + source.padded, z.data(), across.fraction[x], source.padded, source.classes);
      }
    }
  });
  return labels;
}

/** The same by libtorch's operations, wherever the logits are and in float64 too, a band of rows at a time. */
at::Tensor byBands(const at::Tensor& logits, at::IntArrayRef size, at::IntArrayRef crop, AlignCorners alignCorners) {
  const auto source = logits.scalar_type() == at::kDouble ? logits : logits.to(at::kFloat);
  const auto labels = at::empty({source.size(0), crop[0], crop[1]}, source.options().dtype(at::kByte));
  const Axis down(source.size(2), size[0], alignCorners);
  const Axis across = Axis(source.size(3), size[1], alignCorners).part(0, crop[1]);
  for (int64_t y = 0, count = rowsAtATime(source, crop[1]); y < crop[0]; y += count) {
    const int64_t end = std::min(crop[0], y + count);
    labels.narrow(1, y, end - y).copy_(largestClass(enlarged(source, down.part(y, end), across)));
  }
  return labels;
}

}  // namespace

at::Tensor upsampledArgmax(const at::Tensor& logits, at::IntArrayRef size, at::IntArrayRef crop, AlignCorners alignCorners) {
  requireLogits(logits);
  TORCH_CHECK(logits.size(1) <= 256, "expected logits [n, c, h, w] of at most 256 classes, found ", logits.sizes());
  TORCH_CHECK(crop[0] <= size[0] && crop[1] <= size[1], "expected a crop within ", size, ", found ", crop);
  const bool kernel = logits.is_cpu() && logits.scalar_type() != at::kDouble;
  return (kernel ? byKernel : byBands)(logits, size, crop, alignCorners);
}

}  // namespace binding
