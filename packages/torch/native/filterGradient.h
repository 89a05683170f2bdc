// The gradient of a convolution's filters in bfloat16, as a product of matrices for each of their places: what oneDNN takes up to twice as long
// for with AVX512-BF16.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

namespace binding {

/** Square filters that move by single pixels and are padded so that outputs are as large as inputs. */
struct FilterGradientShape {
  int64_t inputs, outputs, side, dilation;
};

/** The shape, if the gradient of such filters is computed here: on processors with AVX512-BF16, where libtorch and oneDNN may use it. */
std::optional<FilterGradientShape> filterGradientShape(at::ScalarType dtype, at::IntArrayRef weightSize, at::IntArrayRef stride, at::IntArrayRef padding,
                                                       at::IntArrayRef dilation, int64_t groups);

/**
 * In float32 and in the layout of `weight`, from inputs `[n, inputs, h, w]` and the gradient of outputs `[n, outputs, h, w]` in bfloat16. Sums
 * are made in the same order on any number of threads.
 */
at::Tensor filterGradient(const at::Tensor& x, const at::Tensor& gradient, const FilterGradientShape& shape, const at::Tensor& weight);

}  // namespace binding
