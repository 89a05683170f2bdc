// The passes of batch norm over memory, forward and backward, for some rows of features that lie channels-last, `[row][channel]`.
//
// `T` is float or at::BFloat16. Arithmetic is in float32, sums are in float64, of bfloat16 those of a few rows in float32 first: so one pass
// gives mean and variance, without loss where the mean is large beside the deviation.
#pragma once

#include <cstdint>

namespace binding {

/** A number for each channel. What is normalised is `x * scale + shift`. */
struct Normalisation {
  const float *mean, *scale, *shift;
};

/** Where backward finds which values ReLU let through. */
enum class ReluMask {
  /** There is no ReLU. */
  none,
  /** What was normalised is above 0, which the input tells. */
  input,
  /** The output is above 0. */
  output,
};

/** What backward reads; `y` for ReluMask::output alone. */
template <typename T>
struct BackwardRows {
  const T *gradient, *x, *y;
  ReluMask mask;
};

/** Adds to `sums` `[2][channels]` the inputs and their squares. */
template <typename T>
void addMoments(const T* x, int64_t rows, int64_t channels, double* sums);

/** `x * scale + shift`, plus `residual` unless it is null; with `relu` no less than 0. */
template <typename T>
void normalise(const T* x, const T* residual, bool relu, int64_t rows, int64_t channels, const Normalisation& by, T* y);

/** Adds to `sums` `[2][channels]` the gradients that ReLU let through and their products with `x - mean`; writes them unless `through` is null. */
template <typename T>
void addGradientSums(const BackwardRows<T>& in, int64_t rows, int64_t channels, const Normalisation& by, double* sums, T* through);

/** Gradient of the inputs: `scale * (gradient - offset - slope * (x - mean))`, of the gradients that ReLU let through. */
template <typename T>
void inputGradient(const BackwardRows<T>& in, int64_t rows, int64_t channels, const Normalisation& by, const float* offset, const float* slope, T* to);

}  // namespace binding
