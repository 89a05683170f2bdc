// Bilinear enlargement row by row, the way that needs no enlarged map.
#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "alignCorners.h"
#include "compiler.h"
#include "exponential.h"

namespace binding {

/** Classes are padded to whole vectors of this many; what pads them loses against every logit. */
constexpr int64_t lanes = 16;
constexpr float never = -1e30f;

constexpr int64_t paddedToLanes(int64_t count) { return (count + lanes - 1) / lanes * lanes; }

/** Where an output coordinate falls between two source ones: PyTorch's rules, and TensorFlow 1's. */
struct Axis {
  int64_t source;
  std::vector<int64_t> below;
  std::vector<float> fraction;

  Axis(int64_t source, int64_t target, AlignCorners alignCorners) : source(source), below(target), fraction(target) {
    const bool aligned = alignCorners == AlignCorners::yes;
    const double scale = aligned ? (target > 1 ? double(source - 1) / double(target - 1) : 0.0) : double(source) / double(target);
    for (int64_t i = 0; i < target; i++) {
      const float at = alignCorners == AlignCorners::no ? std::max(0.0f, float((i + 0.5) * scale - 0.5)) : float(scale * i);
      below[i] = std::min(int64_t(at), source - 1);
      fraction[i] = below[i] + 1 < source ? at - float(below[i]) : 0.0f;
    }
  }

  /** The part of it from output coordinate `begin` to before `end`. */
  Axis part(int64_t begin, int64_t end) const {
    Axis axis = *this;
    axis.below.assign(below.begin() + begin, below.begin() + end);
    axis.fraction.assign(fraction.begin() + begin, fraction.begin() + end);
    return axis;
  }

  /** The same for a source of which only what comes from `first` on is there, `length` long. */
  Axis within(int64_t first, int64_t length) const {
    Axis axis = *this;
    axis.source = length;
    for (auto& at : axis.below) at -= first;
    return axis;
  }
};

/** What each output coordinate is made of: `count` source ones from `first` on, weighted; those beyond the end weigh 0. */
struct Taps {
  int64_t source, count;
  std::vector<int64_t> first;
  /** [target, count] */
  std::vector<float> weights;

  explicit Taps(const Axis& axis);
  /** By a triangle as wide as two source or two output coordinates, whichever is more; beyond the ends the source goes on mirrored. */
  static Taps smooth(int64_t source, int64_t target);

  int64_t target() const { return static_cast<int64_t>(first.size()); }
  /** The last source coordinate that counts. */
  int64_t last(int64_t i) const;

 private:
  Taps() = default;
};

/** Rounded alike wherever it stands in bodies for one instruction set. For bodies that are compiled for each. */
ALWAYS_INLINE float between(float p, float q, float fraction) { return p + fraction * (q - p); }

/** z = between(p, q, fraction); returns the largest of it. For the same bodies. */
ALWAYS_INLINE float between(float* z, const float* p, const float* q, float fraction, int64_t count) {
  float top = never;
#pragma omp simd reduction(max : top)
  for (int64_t i = 0; i < count; i++) {
    z[i] = between(p[i], q[i], fraction);
    top = std::max(top, z[i]);
  }
  return top;
}

/** The first of at most 256 classes that has the value `top`, which NaN never is; where none has, as when all are NaN, class 0. */
ALWAYS_INLINE uint8_t firstOf(const float* values, float top, int64_t padded, int64_t classes) {
  int32_t first = 256;
#pragma omp simd reduction(min : first)
  for (int32_t i = 0; i < int32_t(padded); i++) first = std::min(first, values[i] == top ? i : 256);
  return first < classes ? uint8_t(first) : 0;
}

/** out = a + fraction (b - a) */
void blend(float* out, const float* a, const float* b, float fraction, int64_t count);

/** z = exp(z - top); returns the sum of it. For the same bodies. */
ALWAYS_INLINE float exponentials(float* z, float top, int64_t count) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < count; i++) {
    z[i] = exponential(z[i] - top);
    sum += z[i];
  }
  return sum;
}

/** Logits [n, c, h, w] on their way to rows of an image: columns of classes, padded to whole vectors. */
struct LogitRows {
  int64_t classes, padded, n, h, w;

  explicit LogitRows(const at::Tensor& logits);

  /** Room for a row, and for what stands to the right of its last column, where the fraction is 0. */
  std::vector<float> room() const { return std::vector<float>((w + 1) * padded, 0.0f); }
  /** The classes of one place. */
  const float* at(int64_t image, int64_t y, int64_t x) const { return source_.const_data_ptr<float>() + ((image * h + y) * w + x) * padded; }
  /** Whether all are numbers, and so far from the largest that no difference of two is infinite. */
  bool moderate() const;
  /** The row of one image that lies between row `below` and the next, or at the end of them. */
  void between(float* row, int64_t image, int64_t below, float fraction) const;

 private:
  at::Tensor source_;  // [n, h, w, padded]
};

/**
 * The same by libtorch's operations, wherever the maps [n, c, h, w] are, in their precision, and differentiable: `rows.below.size()` rows
 * of `columns.below.size()`.
 */
at::Tensor enlarged(const at::Tensor& maps, const Axis& rows, const Axis& columns);

/** Maps [n, c, h, w] at `size`, differentiable: libtorch's own enlargement where that knows the rule, else products with matrices. */
at::Tensor resized(const at::Tensor& maps, at::IntArrayRef size, AlignCorners alignCorners);

/** As many rows of maps [n, c, H, width] as fit into 16 MiB in float32, one or more: what operations on whole maps are done with at a time. */
int64_t rowsAtATime(const at::Tensor& maps, int64_t width);

/** The class of largest value along dimension 1, uint8. NaN is less than any number; with nothing else the class is 0. */
at::Tensor largestClass(const at::Tensor& maps);

/** Throws unless these are float logits [n, c, h, w], none of which sizes but n is 0. */
void requireLogits(const at::Tensor& logits);

}  // namespace binding
