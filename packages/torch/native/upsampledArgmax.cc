// The class of each pixel without enlarged logits: output rows are walked one at a time, as in upsampledCrossEntropy.cc.
#include "upsampledArgmax.h"

#include <ATen/Parallel.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/upsample_bilinear2d.h>

#include <cstring>
#include <vector>

#include "bilinear.h"

namespace binding {

namespace {

/** The best class between the columns p and q. `z` is scratch. */
FOR_EACH_CPU
uint8_t best(const float* p, const float* q, float* z, float fraction, int64_t padded) {
  const float top = between(z, p, q, fraction, padded);
  return firstOf(z, top, padded);
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
      labels[y * crop[1] + x] = best(left, left + padded, z.data(), across.fraction[x], padded);
    }
  }
}

}  // namespace

at::Tensor upsampledArgmax(const at::Tensor& logits, at::IntArrayRef size, at::IntArrayRef crop, bool alignCorners) {
  TORCH_CHECK(logits.dim() == 4 && logits.size(1) <= 256, "expected logits [n, c, h, w] of at most 256 classes, found ", logits.sizes());
  TORCH_CHECK(crop[0] <= size[0] && crop[1] <= size[1], "expected a crop within ", size, ", found ", crop);
  if (!logits.is_cpu()) {
    const auto enlarged = at::upsample_bilinear2d(logits.to(at::kFloat), size, alignCorners);
    return at::argmax(enlarged.narrow(2, 0, crop[0]).narrow(3, 0, crop[1]), 1).to(at::kByte);
  }
  const auto source = logits.to(at::kFloat).permute({0, 2, 3, 1}).contiguous();
  const auto labels = at::empty({source.size(0), crop[0], crop[1]}, at::kByte);
  const Axis down(source.size(1), size[0], alignCorners), across(source.size(2), size[1], alignCorners);
  for (int64_t image = 0; image < source.size(0); image++) {
    const float* from = source[image].const_data_ptr<float>();
    uint8_t* to = labels[image].mutable_data_ptr<uint8_t>();
    at::parallel_for(0, crop[0], 8, [&](int64_t begin, int64_t end) {
      rows(from, to, source[image].sizes(), crop, down, across, begin, end);
    });
  }
  return labels;
}

}  // namespace binding
