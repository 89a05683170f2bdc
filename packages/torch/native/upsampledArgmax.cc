// The class of each pixel without enlarged logits: output rows are walked one at a time, as in upsampledCrossEntropy.cc.
#include "upsampledArgmax.h"

#include <ATen/ops/empty.h>

#include <cstring>
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

/** The rows of one image between two rows of logits share what is copied from them. */
void rows(const float* logits, uint8_t* labels, at::IntArrayRef shape, at::IntArrayRef crop, const Axis& down, const Axis& across, int64_t begin,
          int64_t end) {
  const int64_t h = shape[0], w = shape[1], c = shape[2], padded = paddedToLanes(c), wide = w * padded;
  std::vector<float> above(wide, never), below(wide, never), row(wide + padded, 0.0f), z(padded);
  int64_t held = -1;
  for (int64_t y = begin; y < end; y++) {
    const int64_t top = down.below[y], bottom = std::min(top + 1, h - 1);
    if (top != held) {
      for (int64_t x = 0; x < w; x++) {
        std::memcpy(&above[x * padded], logits + (top * w + x) * c, c * sizeof(float));
        std::memcpy(&below[x * padded], logits + (bottom * w + x) * c, c * sizeof(float));
      }
      held = top;
    }
    blend(row.data(), above.data(), below.data(), down.fraction[y], wide);
    for (int64_t x = 0; x < crop[1]; x++) {
      const float* left = &row[across.below[x] * padded];
      labels[y * crop[1] + x] = best(left, left + padded, z.data(), across.fraction[x], padded, c);
    }
  }
}

at::Tensor byKernel(const at::Tensor& logits, at::IntArrayRef size, at::IntArrayRef crop, bool alignCorners) {
  const auto source = logits.to(at::kFloat).permute({0, 2, 3, 1}).contiguous();
  const auto labels = at::empty({source.size(0), crop[0], crop[1]}, at::kByte);
  const Axis down(source.size(1), size[0], alignCorners), across(source.size(2), size[1], alignCorners);
  for (int64_t image = 0; image < source.size(0); image++) {
    const float* from = source[image].const_data_ptr<float>();
    uint8_t* to = labels[image].mutable_data_ptr<uint8_t>();
    parallelFor(crop[0], 8, [&](int64_t begin, int64_t end) {
      rows(from, to, source[image].sizes(), crop, down, across, begin, end);
    });
  }
  return labels;
}

/** The same by libtorch's operations, wherever the logits are and in float64 too, a band of rows at a time. */
at::Tensor byBands(const at::Tensor& logits, at::IntArrayRef size, at::IntArrayRef crop, bool alignCorners) {
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

at::Tensor upsampledArgmax(const at::Tensor& logits, at::IntArrayRef size, at::IntArrayRef crop, bool alignCorners) {
  requireLogits(logits);
  TORCH_CHECK(logits.size(1) <= 256, "expected logits [n, c, h, w] of at most 256 classes, found ", logits.sizes());
  TORCH_CHECK(crop[0] <= size[0] && crop[1] <= size[1], "expected a crop within ", size, ", found ", crop);
  const bool kernel = logits.is_cpu() && logits.scalar_type() != at::kDouble;
  return (kernel ? byKernel : byBands)(logits, size, crop, alignCorners);
}

}  // namespace binding
