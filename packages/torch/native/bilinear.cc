#include "bilinear.h"

namespace binding {

FOR_EACH_CPU
void blend(float* out, const float* a, const float* b, float fraction, int64_t count) {
#pragma omp simd
  for (int64_t i = 0; i < count; i++) out[i] = a[i] + fraction * (b[i] - a[i]);
}

}  // namespace binding
