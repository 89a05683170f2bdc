#include "batchNormKernels.h"

#include <c10/util/BFloat16.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "compiler.h"

// How vectors are passed does not matter: all that passes them is compiled into one function.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wpsabi"
#endif

namespace binding {

namespace {

constexpr int64_t lanes = 16;

using Floats = float __attribute__((vector_size(4 * lanes)));
using Doubles = double __attribute__((vector_size(8 * lanes)));
using Words = uint32_t __attribute__((vector_size(4 * lanes)));
using Halves = uint16_t __attribute__((vector_size(2 * lanes)));

ALWAYS_INLINE Floats load(const float* from, int64_t count) {
  Floats value{};
  std::memcpy(&value, from, count * sizeof *from);
  return value;
}

ALWAYS_INLINE Floats load(const at::BFloat16* from, int64_t count) {
  Halves value{};
  std::memcpy(&value, from, count * sizeof *from);
  return Floats(__builtin_convertvector(value, Words) << 16);
}

ALWAYS_INLINE void store(float* to, Floats value, int64_t count) { std::memcpy(to, &value, count * sizeof *to); }

/** Rounded to the nearest, to the even one between two; NaN stays NaN. */
ALWAYS_INLINE void store(at::BFloat16* to, Floats value, int64_t count) {
  const auto bits = Words(value);
  const Words rounded = ((bits + 0x7fff + ((bits >> 16) & 1)) >> 16) | (Words(value != value) & 0x7fc0);
  const auto halves = __builtin_convertvector(rounded, Halves);
  std::memcpy(to, &halves, count * sizeof *to);
}

/** What the few values of a block are summed in: those of bfloat16 are rounded by far more than float32's sums of them are. */
template <typename T>
using Sums = std::conditional_t<std::is_same_v<T, float>, Doubles, Floats>;

template <typename T>
ALWAYS_INLINE Sums<T> summand(Floats value) { return __builtin_convertvector(value, Sums<T>); }

template <typename Values>
ALWAYS_INLINE void add(double* to, Values value, int64_t count) {
  Doubles sum{};
  std::memcpy(&sum, to, count * sizeof *to);
  sum += __builtin_convertvector(value, Doubles);
  std::memcpy(to, &sum, count * sizeof *to);
}

// Both let NaN through.
ALWAYS_INLINE Floats rectified(Floats value) { return Floats(Words(value) & ~Words(value < 0)); }
ALWAYS_INLINE Floats letThrough(Floats gradient, Floats output) { return Floats(Words(gradient) & ~Words(output <= 0)); }

/**
 * Calls `work(channel, count, begin, end)` for each vector of channels, or what is left at their end, and some rows: so few that they stay in the
 * nearest cache until the last of their channels, so that what belongs to channels is read, and added to, once for all of these rows.
 */
template <typename Work>
ALWAYS_INLINE void forEachBlock(int64_t rows, int64_t channels, const Work& work) {
  constexpr int64_t values = 4096, fewest = 8;
  const int64_t step = std::max(fewest, values / channels), whole = channels / lanes * lanes;
  for (int64_t begin = 0; begin < rows; begin += step) {
    const int64_t end = std::min(rows, begin + step);
    for (int64_t channel = 0; channel < whole; channel += lanes) work(channel, std::integral_constant<int64_t, lanes>(), begin, end);
    if (whole < channels) work(whole, channels - whole, begin, end);
  }
}

/** What ReLU let through of the gradient, of an output that is `normalised` where no residual was added. */
template <typename T, typename Count>
ALWAYS_INLINE Floats gradientAt(const BackwardRows<T>& in, int64_t place, Count count, Floats normalised) {
  const Floats gradient = load(in.gradient + place, count);
  if (in.mask == ReluMask::input) return letThrough(gradient, normalised);
  if (in.mask == ReluMask::output) return letThrough(gradient, load(in.y + place, count));
  return gradient;
}

#define INLINE_LAMBDA __attribute__((always_inline))

}  // namespace

template <typename T>
FOR_EACH_CPU void addMoments(const T* x, int64_t rows, int64_t channels, double* sums) {
  forEachBlock(rows, channels, [=](int64_t channel, auto count, int64_t begin, int64_t end) INLINE_LAMBDA {
    Sums<T> sum{}, squares{};
    for (int64_t row = begin; row < end; row++) {
      const auto value = summand<T>(load(x + row * channels + channel, count));
      sum += value;
      squares += value * value;
    }
    add(sums + channel, sum, count);
    add(sums + channels + channel, squares, count);
  });
}

template <typename T>
FOR_EACH_CPU void normalise(const T* x, const T* residual, bool relu, int64_t rows, int64_t channels, const Normalisation& by, T* y) {
  forEachBlock(rows, channels, [=](int64_t channel, auto count, int64_t begin, int64_t end) INLINE_LAMBDA {
    const Floats scale = load(by.scale + channel, count), shift = load(by.shift + channel, count);
    for (int64_t row = begin; row < end; row++) {
      const int64_t place = row * channels + channel;
      Floats value = load(x + place, count) * scale + shift;
      if (residual) value += load(residual + place, count);
      store(y + place, relu ? rectified(value) : value, count);
    }
  });
}

template <typename T>
FOR_EACH_CPU void addGradientSums(const BackwardRows<T>& in, int64_t rows, int64_t channels, const Normalisation& by, double* sums, T* through) {
  forEachBlock(rows, channels, [=](int64_t channel, auto count, int64_t begin, int64_t end) INLINE_LAMBDA {
    const Floats mean = load(by.mean + channel, count), scale = load(by.scale + channel, count), shift = load(by.shift + channel, count);
    Sums<T> sum{}, products{};
    for (int64_t row = begin; row < end; row++) {
      const int64_t place = row * channels + channel;
      const Floats x = load(in.x + place, count);
      const Floats gradient = gradientAt(in, place, count, x * scale + shift);
      if (through) store(through + place, gradient, count);
      sum += summand<T>(gradient);
      products += summand<T>(gradient) * summand<T>(x - mean);
    }
    add(sums + channel, sum, count);
    add(sums + channels + channel, products, count);
  });
}

template <typename T>
FOR_EACH_CPU void inputGradient(const BackwardRows<T>& in, int64_t rows, int64_t channels, const Normalisation& by, const float* offset,
                                const float* slope, T* to) {
  forEachBlock(rows, channels, [=](int64_t channel, auto count, int64_t begin, int64_t end) INLINE_LAMBDA {
    const Floats mean = load(by.mean + channel, count), scale = load(by.scale + channel, count), shift = load(by.shift + channel, count);
    const Floats less = load(offset + channel, count), factor = load(slope + channel, count);
    for (int64_t row = begin; row < end; row++) {
      const int64_t place = row * channels + channel;
      const Floats x = load(in.x + place, count);
      const Floats gradient = gradientAt(in, place, count, x * scale + shift);
      store(to + place, scale * (gradient - less - factor * (x - mean)), count);
    }
  });
}

#define INSTANTIATE(T)                                                                                                             \
  template void addMoments(const T*, int64_t, int64_t, double*);                                                                   \
  template void normalise(const T*, const T*, bool, int64_t, int64_t, const Normalisation&, T*);                                   \
  template void addGradientSums(const BackwardRows<T>&, int64_t, int64_t, const Normalisation&, double*, T*);                      \
  template void inputGradient(const BackwardRows<T>&, int64_t, int64_t, const Normalisation&, const float*, const float*, T*);

INSTANTIATE(float)
INSTANTIATE(at::BFloat16)

}  // namespace binding
