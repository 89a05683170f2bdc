// Convolutions as networks are trained with them.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

namespace binding {

/**
 * at::conv2d. While gradients are recorded, those of 3x3 filters that Winograd's form suits are computed by it, forward and backward, and in
 * bfloat16 the gradient of filters as filterGradient does. Which these are follows from shapes and the kind of processor alone, not from a
 * measurement, so that the same seed gives the same run; and sums are made in the same order on any number of threads.
 */
at::Tensor convolution(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias, at::IntArrayRef stride, at::IntArrayRef padding,
                       at::IntArrayRef dilation, int64_t groups);

}  // namespace binding
