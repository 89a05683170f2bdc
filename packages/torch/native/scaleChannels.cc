#include "scaleChannels.h"

#include <ATen/ops/clamp.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cstring>

#include "compiler.h"
#include "parallel.h"

namespace binding {

namespace {

/** Rows of channels. */
template <typename T>
struct Rows {
  T* values;
  /** From one row to the next. */
  int64_t stride;
};

ALWAYS_INLINE float limited(float value, Range range) {
  // Comparisons with NaN are false: it stays.
  value = value < range.low ? range.low : value;
  return value > range.high ? range.high : value;
}

ALWAYS_INLINE float read(float value) { return value; }

/** The bits of bfloat16 are the upper half of float32's. */
ALWAYS_INLINE float read(uint16_t bits) {
  const uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}

ALWAYS_INLINE void write(float value, float& to) { to = value; }

/** To the nearest, the even one of two. */
ALWAYS_INLINE void write(float value, uint16_t& to) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  to = static_cast<uint16_t>(value == value ? rounded : 0x7fc0u);
}

/** What all rows have. */
struct Affine {
  const float* factor;
  const float* summand;
  Range range;
};

template <typename T>
ALWAYS_INLINE void scaleEach(Rows<const T> from, Rows<T> to, Affine affine, int64_t rows, int64_t channels) {
  const auto [factor, summand, range] = affine;
  for (int64_t row = 0; row < rows; row++) {
    const T* x = from.values + row * from.stride;
    T* y = to.values + row * to.stride;
#pragma omp simd
    for (int64_t c = 0; c < channels; c++) write(limited(read(x[c]) * factor[c] + summand[c], range), y[c]);
  }
}

// Functions that are compiled for each processor are no templates.
FOR_EACH_CPU
void scaleRows(Rows<const float> from, Rows<float> to, Affine affine, int64_t rows, int64_t channels) { scaleEach(from, to, affine, rows, channels); }

FOR_EACH_CPU
void scaleRows(Rows<const uint16_t> from, Rows<uint16_t> to, Affine affine, int64_t rows, int64_t channels) { scaleEach(from, to, affine, rows, channels); }

template <typename T>
void scale(Rows<const T> from, Rows<T> to, const at::Tensor& factor, const at::Tensor& summand, Range range, int64_t rows) {
  const int64_t channels = factor.size(0);
  constexpr int64_t elements = 1 << 14;
  parallelFor(rows, std::max<int64_t>(elements / std::max<int64_t>(channels, 1), 1), [&](int64_t begin, int64_t end) {
    scaleRows(Rows<const T>{from.values + begin * from.stride, from.stride}, Rows<T>{to.values + begin * to.stride, to.stride},
              {factor.const_data_ptr<float>(), summand.const_data_ptr<float>(), range}, end - begin, channels);
  });
}

/**
 * How far apart pixels of x, `[n, c, h, w]`, lie in memory, when all lie one distance apart with their channels side by side, as in channels-last
 * and in some of the channels of that; else 0.
 */
int64_t rowStride(const at::Tensor& x) {
  const int64_t channels = x.size(1);
  if (channels > 1 && x.stride(1) != 1) return 0;
  int64_t pixels = 1, stride = channels;
  for (const int dim : {3, 2, 0}) {
    if (x.size(dim) == 1) continue;
    if (pixels == 1) stride = x.stride(dim);
    if (x.stride(dim) != stride * pixels) return 0;
    pixels *= x.size(dim);
  }
  return stride >= channels ? stride : 0;
}

}  // namespace

at::Tensor scaleChannels(const at::Tensor& x, const at::Tensor& factor, const at::Tensor& summand, Range range) {
  TORCH_CHECK(x.dim() == 4 && factor.dim() == 1 && x.size(1) == factor.size(0), "expected [n, c, h, w] and [c], found ", x.sizes(), " and ", factor.sizes());
  const auto type = x.scalar_type();
  if (!x.is_cpu() || (type != at::kFloat && type != at::kBFloat16)) {
    auto y = at::mul(x, factor.view({-1, 1, 1}));
    if (summand.defined()) y.add_(summand.view({-1, 1, 1}));
    return y.clamp_(range.low, range.high).to(type);
  }
  const int64_t channels = x.size(1), stride = rowStride(x);
  const auto from = stride > 0 ? x : x.contiguous(at::MemoryFormat::ChannelsLast);
  const auto plus = summand.defined() ? summand : at::zeros_like(factor);
  auto y = at::empty_like(from, from.options(), at::MemoryFormat::ChannelsLast);
  const auto rowsOf = [&]<typename T>(T) {
    const Rows<const T> source{static_cast<const T*>(from.const_data_ptr()), stride > 0 ? stride : channels};
    scale(source, Rows<T>{static_cast<T*>(y.mutable_data_ptr()), channels}, factor, plus, range, x.numel() / std::max<int64_t>(channels, 1));
  };
  if (type == at::kFloat) rowsOf(0.0f);
  else rowsOf(uint16_t{0});
  return y;
}

}  // namespace binding
