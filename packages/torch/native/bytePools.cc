#include "bytePools.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <vector>

#include "compiler.h"
#include "parallel.h"

namespace binding {

namespace {

/** Bytes `[n, h, w, c]`. */
struct Pixels {
  const uint8_t* bytes;
  int64_t h, w, c;

  const uint8_t* at(int64_t n, int64_t y, int64_t x) const { return bytes + ((n * h + y) * w + x) * c; }
};

struct Window {
  int64_t top, bottom, left, right;
};

FOR_EACH_CPU
void maximum(Pixels from, int64_t n, Window window, uint8_t* to) {
  std::copy_n(from.at(n, window.top, window.left), from.c, to);
  for (int64_t y = window.top; y < window.bottom; y++) {
    for (int64_t x = window.left; x < window.right; x++) {
      const auto* pixel = from.at(n, y, x);
#pragma omp simd
      for (int64_t c = 0; c < from.c; c++) to[c] = pixel[c] > to[c] ? pixel[c] : to[c];
    }
  }
}

FOR_EACH_CPU
void addPixel(const uint8_t* pixel, int64_t channels, int32_t* sums) {
#pragma omp simd
  for (int64_t c = 0; c < channels; c++) sums[c] += pixel[c];
}

int64_t pooledSize(int64_t size, PoolOfBytes pool) {
  const int64_t beyond = size + 2 * pool.padding - pool.kernel;
  const int64_t count = (beyond + (pool.ceil ? pool.stride - 1 : 0)) / pool.stride + 1;
  // The last window begins in the image or the padding before it.
  return pool.ceil && (count - 1) * pool.stride >= size + pool.padding ? count - 1 : count;
}

Pixels pixelsOf(const at::Tensor& x) { return {x.const_data_ptr<uint8_t>(), x.size(2), x.size(3), x.size(1)}; }

void check(const at::Tensor& bytes) {
  TORCH_CHECK(bytes.dim() == 4 && bytes.is_cpu() && bytes.scalar_type() == at::kByte, "expected bytes [n, c, h, w], found ", bytes.scalar_type(), " ", bytes.sizes());
}

}  // namespace

at::Tensor maxPoolOfBytes(const at::Tensor& bytes, PoolOfBytes pool) {
  check(bytes);
  const auto x = bytes.contiguous(at::MemoryFormat::ChannelsLast);
  const auto from = pixelsOf(x);
  const int64_t h = pooledSize(from.h, pool), w = pooledSize(from.w, pool);
  TORCH_CHECK(h > 0 && w > 0, "expected a window of ", pool.kernel, " in ", bytes.sizes());
  auto y = at::empty({x.size(0), from.c, h, w}, x.options(), at::MemoryFormat::ChannelsLast);
  auto* to = y.mutable_data_ptr<uint8_t>();
  parallelFor(x.size(0) * h, 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      const int64_t top = row % h * pool.stride - pool.padding;
      for (int64_t column = 0; column < w; column++) {
        const int64_t left = column * pool.stride - pool.padding;
        const Window window{std::max<int64_t>(top, 0), std::min(top + pool.kernel, from.h), std::max<int64_t>(left, 0), std::min(left + pool.kernel, from.w)};
        maximum(from, row / h, window, to + (row * w + column) * from.c);
      }
    }
  });
  return y;
}

at::Tensor meansOfBytes(const at::Tensor& bytes, at::IntArrayRef bins, Quantisation as) {
  check(bytes);
  const auto x = bytes.contiguous(at::MemoryFormat::ChannelsLast);
  const auto from = pixelsOf(x);
  const int64_t rows = bins[0], columns = bins[1];
  auto y = at::empty({x.size(0), from.c, rows, columns}, x.options().dtype(at::kFloat), at::MemoryFormat::ChannelsLast);
  auto* to = y.mutable_data_ptr<float>();
  // Few cells are large: channels share the work too. Sums of 2^23 bytes fit into int32.
  constexpr int64_t most = 256;
  const int64_t parts = (from.c + most - 1) / most;
  parallelFor(x.size(0) * rows * columns * parts, 1, [&](int64_t begin, int64_t end) {
    std::vector<int32_t> sums(most);
    for (int64_t i = begin; i < end; i++) {
      const int64_t cell = i / parts, first = i % parts * most, channels = std::min(most, from.c - first);
      const int64_t n = cell / (rows * columns), row = cell / columns % rows, column = cell % columns;
      const int64_t top = row * from.h / rows, bottom = ((row + 1) * from.h + rows - 1) / rows;
      const int64_t left = column * from.w / columns, right = ((column + 1) * from.w + columns - 1) / columns;
      std::fill(sums.begin(), sums.end(), 0);
      for (int64_t v = top; v < bottom; v++) {
        for (int64_t u = left; u < right; u++) addPixel(from.at(n, v, u) + first, channels, sums.data());
      }
      const double count = static_cast<double>((bottom - top) * (right - left));
      for (int64_t c = 0; c < channels; c++) to[cell * from.c + first + c] = static_cast<float>(as.scale * (sums[c] / count - static_cast<double>(as.zeroPoint)));
    }
  });
  return y;
}

}  // namespace binding
