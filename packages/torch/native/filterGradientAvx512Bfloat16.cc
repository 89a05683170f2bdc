// The gradient of filters for AVX512-BF16.
#include "filterGradientKernels.h"

#ifdef WINOGRAD_KERNELS
#include <immintrin.h>
#pragma GCC target("avx512f,avx512vl,avx512bw,avx512dq,avx512bf16,fma,prefer-vector-width=512")

namespace binding {

namespace {

constexpr int lanes = 16, mostRows = 11;

}  // namespace

#include "winogradVectors.h"
#include "winogradBfloat16.h"
#include "productBodies.h"
#include "correlationBodies.h"

namespace {

/** As many channels as make a block of a pixel, or zeros in its place. */
INLINE AllHalves loadChannels(const PixelRow& row, int64_t pixel, int64_t channels, int64_t channel) {
  if (pixel >= row.length) return AllHalves{};
  const Element* from = static_cast<const Element*>(row.pixels) + pixel * channels + channel;
  const int64_t left = channels - channel;
  return (AllHalves)(left >= channelBlock ? _mm512_loadu_si512(from) : _mm512_maskz_loadu_epi16(maskOf(left), from));
}

void pairRows(const PixelRow& first, const PixelRow& second, int64_t pixels, int64_t channels, float* to, int64_t step) {
  constexpr AllHalves lower{0, 32, 1, 33, 2,  34, 3,  35, 4,  36, 5,  37, 6,  38, 7,  39,
                            8, 40, 9, 41, 10, 42, 11, 43, 12, 44, 13, 45, 14, 46, 15, 47};
  for (int64_t pixel = 0; pixel < pixels; pixel++) {
    for (int64_t channel = 0; channel < channels; channel += channelBlock) {
      const auto upper = loadChannels(first, pixel, channels, channel), under = loadChannels(second, pixel, channels, channel);
      float* words = to + channel / channelBlock * step + pixel * channelBlock;
      store(words, (Vector)__builtin_shuffle(upper, under, lower));
      store(words + lanes, (Vector)__builtin_shuffle(upper, under, lower + lanes));
    }
  }
}

}  // namespace

const FilterGradientKernels avx512Bfloat16FilterGradientKernels{pairRows, correlate};

}  // namespace binding
#endif
