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

/** Of a pixel, or zeros in its place. */
INLINE AllHalves loadPixel(const Element* line, int64_t length, int64_t channels, int64_t pixel, int64_t channel) {
  if (pixel < 0 || pixel >= length) return AllHalves{};
  const Element* from = line + pixel * channels + channel;
  const int64_t left = channels - channel;
  return (AllHalves)(left >= 2 * lanes ? _mm512_loadu_si512(from) : _mm512_maskz_loadu_epi16(maskOf(left), from));
}

void pairPixels(const void* from, int64_t length, int64_t channels, int64_t begin, int64_t pairs, float* to, int64_t step) {
  constexpr AllHalves lower{0, 32, 1, 33, 2,  34, 3,  35, 4,  36, 5,  37, 6,  38, 7,  39,
                            8, 40, 9, 41, 10, 42, 11, 43, 12, 44, 13, 45, 14, 46, 15, 47};
  const auto* line = static_cast<const Element*>(from);
  for (int64_t pair = 0; pair < pairs; pair++) {
    const int64_t pixel = begin + 2 * pair;
    for (int64_t channel = 0; channel < channels; channel += channelBlock) {
      const auto first = loadPixel(line, length, channels, pixel, channel), second = loadPixel(line, length, channels, pixel + 1, channel);
      float* words = to + channel / channelBlock * step + pair * channelBlock;
      store(words, (Vector)__builtin_shuffle(first, second, lower));
      store(words + lanes, (Vector)__builtin_shuffle(first, second, lower + 16));
    }
  }
}

}  // namespace

const FilterGradientKernels avx512Bfloat16FilterGradientKernels{pairPixels, correlate};

}  // namespace binding
#endif
