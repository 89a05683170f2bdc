// exp for kernels over many classes.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "compiler.h"

namespace binding {

/** By exponent and a degree-6 polynomial: 2e-7 relative on the arguments that a softmax has (<= 0). */
ALWAYS_INLINE float exponential(float x) {
  x = std::max(x, -87.0f);
  const float power = std::nearbyint(x * 1.4426950408889634f);
  const float r = std::fma(power, -0.693145751953125f, x) - power * 1.428606765330187e-6f;
  float p = 1.3888889e-3f;
  p = p * r + 8.3333333e-3f;
  p = p * r + 4.1666667e-2f;
  p = p * r + 1.6666667e-1f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  const int32_t bits = (int32_t(power) + 127) << 23;
  float scale;
  std::memcpy(&scale, &bits, sizeof scale);
  return p * scale;
}

}  // namespace binding
