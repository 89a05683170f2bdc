// Products of bfloat16, summed in float32, by AVX512-BF16. See winogradKernelBodies.h.

namespace {

/** Of inputs and outputs: the upper half of a float's bits. */
using Element = uint16_t;
/** Some words, each of which is two inputs, the first in the lower half. */
using Words = __m512bh;
constexpr int64_t wordInputs = 2;

using Bits = uint32_t __attribute__((vector_size(4 * lanes)));
using Halves = uint16_t __attribute__((vector_size(2 * lanes)));
using AllHalves = uint16_t __attribute__((vector_size(4 * lanes)));

INLINE Words loadWords(const float* from) { return (Words)load(from); }
INLINE Words broadcastWord(const float* from) { return (Words)(*reinterpret_cast<const uint32_t __attribute__((may_alias))*>(from) - Bits{}); }
INLINE void addProducts(Vector& sums, Words x, Words y) { sums = _mm512_dpbf16_ps(sums, x, y); }

INLINE __mmask32 maskOf(int64_t count) { return count >= 2 * lanes ? ~0U : (1U << count) - 1; }

INLINE Vector load(const Element* from, int64_t count) {
  const auto halves = (Halves)(count >= lanes ? _mm256_loadu_si256(reinterpret_cast<const __m256i_u*>(from)) : _mm256_maskz_loadu_epi16(maskOf(count), from));
  return (Vector)(__builtin_convertvector(halves, Bits) << 16);
}

INLINE void store(Element* to, Vector value, int64_t count) {
  const auto halves = (__m256i)_mm512_cvtneps_pbh(value);
  if (count >= lanes) _mm256_storeu_si256(reinterpret_cast<__m256i_u*>(to), halves);
  else _mm256_mask_storeu_epi16(to, maskOf(count), halves);
}

/** Of as many inputs as make `lanes` words, the first `count` (the others are 0): each word's first input, or each one's second. */
INLINE Vector loadInputs(const Element* from, int64_t count, int part) {
  const auto words = (Bits)(count >= 2 * lanes ? _mm512_loadu_si512(from) : _mm512_maskz_loadu_epi16(maskOf(count), from));
  return (Vector)(part == 0 ? words << 16 : words & 0xFFFF0000U);
}

/** Rounded to the nearest, to even in the middle. */
INLINE Vector joined(Vector firsts, Vector seconds) {
  constexpr AllHalves alternating{0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                  8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  return (Vector)__builtin_shuffle((AllHalves)_mm512_cvtne2ps_pbh(seconds, firsts), alternating);
}

/** Both dimensions of a transform of inputs, whose results `write` gets as words. `read` is asked for a word's inputs in turn. */
template <typename Transform, typename Read, typename Write>
INLINE void transformToWords(const Read& read, const Write& write) {
  Vector firsts[Transform::to][Transform::to];
  transform<Transform>([&](int i, int j) INLINE_LAMBDA { return read(i, j, 0); }, [&](int i, int j, Vector value) INLINE_LAMBDA { firsts[i][j] = value; });
  transform<Transform>([&](int i, int j) INLINE_LAMBDA { return read(i, j, 1); },
                       [&](int i, int j, Vector value) INLINE_LAMBDA { write(i, j, joined(firsts[i][j], value)); });
}

}  // namespace
