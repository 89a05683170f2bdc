#include "quantise.h"

#include <ATen/ops/empty_like.h>

#include <cmath>

#include "compiler.h"
#include "parallel.h"

namespace binding {

namespace {

FOR_EACH_CPU
void quantiseEach(const float* from, uint8_t* to, float scale, float zeroPoint, int64_t count) {
#pragma omp simd
  for (int64_t i = 0; i < count; i++) {
    const float level = std::nearbyint(from[i] / scale) + zeroPoint;
    // Of NaN the comparisons are false: it becomes the lowest.
    const float bounded = level > 0.0f ? level : 0.0f;
    to[i] = static_cast<uint8_t>(static_cast<int32_t>(bounded < 255.0f ? bounded : 255.0f));
  }
}

FOR_EACH_CPU
void dequantiseEach(const uint8_t* from, float* to, float scale, float zeroPoint, int64_t count) {
#pragma omp simd
  for (int64_t i = 0; i < count; i++) to[i] = (static_cast<float>(from[i]) - zeroPoint) * scale;
}

constexpr int64_t grain = 1 << 14;

/** Without gaps, images channels-last. */
at::Tensor dense(const at::Tensor& x) { return x.dim() == 4 ? x.contiguous(at::MemoryFormat::ChannelsLast) : x.contiguous(); }

}  // namespace

Quantisation quantisationOf(const Call& given) {
  const Quantisation found{given.number(0), given.integer(1, 0, 255)};
  if (std::isfinite(found.scale) && found.scale > 0) return found;
  throw std::invalid_argument("scale: expected a finite number above 0, found " + std::to_string(found.scale));
}

at::Tensor quantise(const at::Tensor& x, Quantisation as) {
  TORCH_CHECK(x.is_cpu() && x.scalar_type() == at::kFloat, "quantise: expected float32 on the processor, found ", x.scalar_type(), " on ", x.device());
  const auto from = dense(x);
  auto to = at::empty_like(from, from.options().dtype(at::kByte));
  const auto* source = from.const_data_ptr<float>();
  auto* target = to.mutable_data_ptr<uint8_t>();
  parallelFor(from.numel(), grain, [&](int64_t begin, int64_t end) {
    quantiseEach(source + begin, target + begin, static_cast<float>(as.scale), static_cast<float>(as.zeroPoint), end - begin);
  });
  return to;
}

at::Tensor dequantise(const at::Tensor& bytes, Quantisation as) {
  TORCH_CHECK(bytes.is_cpu() && bytes.scalar_type() == at::kByte, "dequantise: expected uint8 on the processor, found ", bytes.scalar_type());
  const auto from = dense(bytes);
  auto to = at::empty_like(from, from.options().dtype(at::kFloat));
  const auto* source = from.const_data_ptr<uint8_t>();
  auto* target = to.mutable_data_ptr<float>();
  parallelFor(from.numel(), grain, [&](int64_t begin, int64_t end) {
    dequantiseEach(source + begin, target + begin, static_cast<float>(as.scale), static_cast<float>(as.zeroPoint), end - begin);
  });
  return to;
}

}  // namespace binding
