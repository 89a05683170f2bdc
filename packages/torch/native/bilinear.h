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

/** out = a + fraction (b - a) */
void blend(float* out, const float* a, const float* b, float fraction, int64_t count);

}  // namespace binding
