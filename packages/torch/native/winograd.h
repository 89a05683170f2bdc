// Convolutions of 3x3 filters with a quarter or a third of the multiplications, for any dilation: Winograd's F(4x4, 3x3) in float32, and
// F(3x3, 3x3) in bfloat16, of which F(4x4, 3x3) would lose too much.
#pragma once

#include <ATen/core/Tensor.h>

#include <limits>
#include <optional>

namespace binding {

/** A stride of 1, one group, and a padding that is the dilation: the output is as large as the input. */
struct WinogradShape {
  /** Of inputs and outputs. */
  at::ScalarType dtype;
  int64_t inputs, outputs, dilation;

  /** Of what takes gradients of outputs to inputs. */
  WinogradShape turned() const { return {dtype, outputs, inputs, dilation}; }
};

/**
 * The shape, if a convolution of this type has Winograd's form here: its outputs are as large as its inputs, channels are many, and the
 * processor has the instructions (in bfloat16 those of AVX512-BF16), which libtorch's own kernels may use too (ATEN_CPU_CAPABILITY) and, in
 * bfloat16, oneDNN's (ONEDNN_MAX_CPU_ISA).
 */
std::optional<WinogradShape> winogradShape(at::ScalarType dtype, at::IntArrayRef weightSize, at::IntArrayRef stride, at::IntArrayRef padding,
                                           at::IntArrayRef dilation, int64_t groups);

/** What takes as long as so many of its multiplications. */
struct WinogradCosts {
  /** One of the direct form. */
  double direct = 1;
  /** The transform of a filter, for each of its frequencies; none of filters that are transformed once and for all. */
  double filter = 30;
};

/** Whether it takes less work than the direct form, transforms counted. */
bool winogradMultipliesLess(at::IntArrayRef inputSize, const WinogradShape& shape, const WinogradCosts& costs = {});

/** What filters `[outputs, inputs, 3, 3]` are multiplied as in a type. With `turned`, those that take gradients of outputs to inputs. */
at::Tensor winogradFilters(const at::Tensor& weight, at::ScalarType dtype, bool turned = false);

/** What outputs get beside the convolution: a summand for each channel, one as they lie, limits. Tensors may be undefined. */
struct WinogradEpilogue {
  at::Tensor bias, residual;
  float low = -std::numeric_limits<float>::infinity(), high = std::numeric_limits<float>::infinity();
};

/** The convolution of x, `[n, inputs, h, w]`: `[n, outputs, h, w]`, channels-last. */
at::Tensor winogradConvolution(const at::Tensor& x, const at::Tensor& filters, const WinogradShape& shape, const WinogradEpilogue& epilogue);

/** Bytes that it takes beside inputs and outputs. */
int64_t winogradScratch(at::IntArrayRef inputSize, const WinogradShape& shape);

/** The gradient of the filters in float32, in the layout of `weight`, from that of the outputs. */
at::Tensor winogradFilterGradient(const at::Tensor& x, const at::Tensor& gradient, const WinogradShape& shape, const at::Tensor& weight);

}  // namespace binding
