// Convolutions of 3x3 filters with a quarter of the multiplications: Winograd's F(4x4, 3x3), float32, for any dilation.
#pragma once

#include <ATen/core/Tensor.h>

#include <limits>
#include <optional>

namespace binding {

/** A stride of 1, one group, and a padding that is the dilation: the output is as large as the input. */
struct WinogradShape {
  int64_t inputs, outputs, dilation;
};

/**
 * The shape, if a convolution of float32 has Winograd's form here: its outputs are as large as its inputs, channels are many, and the
 * processor has the instructions, which libtorch's own kernels may use too (ATEN_CPU_CAPABILITY).
 */
std::optional<WinogradShape> winogradShape(at::IntArrayRef weightSize, at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation,
                                           int64_t groups);

/** Whether it takes less work than the direct form where filters change each time, transforms counted. */
bool winogradMultipliesLess(at::IntArrayRef inputSize, const WinogradShape& shape);

/** What filters `[outputs, inputs, 3, 3]` are multiplied as. With `turned`, those that take gradients of outputs to inputs. */
at::Tensor winogradFilters(const at::Tensor& weight, bool turned = false);

/** What outputs get beside the convolution: a summand for each channel, one as they lie, limits. Tensors may be undefined. */
struct WinogradEpilogue {
  at::Tensor bias, residual;
  float low = -std::numeric_limits<float>::infinity(), high = std::numeric_limits<float>::infinity();
};

/** The convolution of x, `[n, inputs, h, w]`: `[n, outputs, h, w]`, channels-last. */
at::Tensor winogradConvolution(const at::Tensor& x, const at::Tensor& filters, const WinogradShape& shape, const WinogradEpilogue& epilogue);

/** Bytes that it takes beside inputs and outputs. */
int64_t winogradScratch(at::IntArrayRef inputSize, const WinogradShape& shape);

/** The gradient of the filters, in the layout of `weight`, from that of the outputs. */
at::Tensor winogradFilterGradient(const at::Tensor& x, const at::Tensor& gradient, const WinogradShape& shape, const at::Tensor& weight);

}  // namespace binding
