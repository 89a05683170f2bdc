// Batch norm as networks are trained with it.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

namespace binding {

struct BatchNormOptions {
  bool training;
  double momentum, eps;
};

/** Vectors of a number for each channel. */
struct BatchNormState {
  const at::Tensor &weight, &bias, &runningMean, &runningVar;
};

/**
 * at::batch_norm. Features that lie channels-last in main memory, in float32 or bfloat16, go through own kernels, forward and backward:
 * bits do not depend on the number of threads.
 */
at::Tensor batchNorm(const at::Tensor& x, const BatchNormState& state, const BatchNormOptions& options);

/** The same, plus `residual` if it is given, no less than 0: as one function, which keeps and moves less memory than three. */
at::Tensor batchNormRelu(const at::Tensor& x, const BatchNormState& state, const std::optional<at::Tensor>& residual, const BatchNormOptions& options);

}  // namespace binding
