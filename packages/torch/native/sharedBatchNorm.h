// Batch norm of a batch that the ranks of a process group share.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include "batchNorm.h"
#include "processGroup.h"

namespace binding {

/**
 * Features `[n, c, h, w]` normalised over all ranks' samples, in training, plus `residual` if it is given, no less than 0 with `relu`: by
 * libtorch's operations, on any device and in any precision, float64 too. The running statistics follow. batchNorm.h has kernels for processors.
 */
at::Tensor sharedBatchNorm(const at::Tensor& x, const BatchNormState& state, const std::optional<at::Tensor>& residual, const BatchNormOptions& options,
                           bool relu, const c10::intrusive_ptr<ProcessGroup>& group);

}  // namespace binding
