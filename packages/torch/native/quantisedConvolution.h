// A convolution of bytes: oneDNN's, with weights of int8, whole numbers summed exactly, and bias, residual and ReLU inside.
#pragma once

#include <optional>

#include "plan.h"
#include "quantise.h"

namespace binding {

struct QuantisedConvolution {
  Convolution convolution;
  Quantisation input;
  /** Left out, the output is float32. */
  std::optional<Quantisation> output;
  /** Of what is added before the activation; left out where that is float32, as the output. */
  std::optional<Quantisation> residual;
  /** Whether the result takes the residual's place in memory: nobody reads that later. */
  bool inPlace;

  /** Of "stride", "padding", "dilation", "groups", "activation", "inputSize", "input", "output", "residual" and "inPlace". */
  explicit QuantisedConvolution(const Call& attributes);

  /**
   * Packs for oneDNN real weights, float32 `[o, i, h, w]`, as multiples of each output's scale, `[o]`: of -127 to 127; where the processor
   * does not sum products of bytes exactly, of -64 to 64, and changes the scales to that.
   */
  void pack(at::Tensor& weight, at::Tensor& scales, const Integers& inputSize) const;

  /** Inputs x, packed weights, their scales, bias and residual; the last two may be left out. */
  at::Tensor operator()(const Values& in) const;
};

/**
 * Whether sums of products of all bytes are exact, as with VNNI or AMX. Instructions before them bound the sum of two products to 16 bits,
 * which those of bytes and weights up to 64 stay within.
 */
bool sumsBytesExactly();

}  // namespace binding
