// Bilinear enlargement row by row, the way that needs no enlarged map.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

// One body, compiled for each instruction set; the loader picks at run time.
#if defined(__x86_64__) && defined(__GNUC__)
#define FOR_EACH_CPU __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FOR_EACH_CPU
#endif

namespace binding {

/** Classes are padded to whole vectors of this many; what pads them loses against every logit. */
constexpr int64_t lanes = 16;
constexpr float never = -1e30f;

constexpr int64_t paddedToLanes(int64_t count) { return (count + lanes - 1) / lanes * lanes; }

/** Where an output coordinate falls between two source ones, PyTorch's rule. */
struct Axis {
  std::vector<int64_t> below;
  std::vector<float> fraction;

  Axis(int64_t source, int64_t target, bool alignCorners) : below(target), fraction(target) {
    const double scale = alignCorners ? (target > 1 ? double(source - 1) / double(target - 1) : 0.0) : double(source) / double(target);
    for (int64_t i = 0; i < target; i++) {
      const float at = alignCorners ? float(scale * i) : std::max(0.0f, float((i + 0.5) * scale - 0.5));
      below[i] = std::min(int64_t(at), source - 1);
      fraction[i] = below[i] + 1 < source ? at - float(below[i]) : 0.0f;
    }
  }
};

/** z = p + fraction (q - p); returns the largest of it. For bodies that are compiled for each instruction set. */
inline __attribute__((always_inline)) float between(float* z, const float* p, const float* q, float fraction, int64_t count) {
  float top = never;
#pragma omp simd reduction(max : top)
  for (int64_t i = 0; i < count; i++) {
    z[i] = p[i] + fraction * (q[i] - p[i]);
    top = std::max(top, z[i]);
  }
  return top;
}

/** The first of at most 256 classes that has the value `top`. */
inline __attribute__((always_inline)) uint8_t firstOf(const float* values, float top, int64_t count) {
  int32_t first = 255;
#pragma omp simd reduction(min : first)
  for (int32_t i = 0; i < int32_t(count); i++) first = std::min(first, values[i] == top ? i : 255);
  return uint8_t(first);
}

/** out = a + fraction (b - a) */
void blend(float* out, const float* a, const float* b, float fraction, int64_t count);

}  // namespace binding
