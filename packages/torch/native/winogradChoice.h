// Which convolutions of a plan are Winograd's.
#pragma once

#include "plan.h"
#include "winograd.h"

namespace binding {

std::optional<WinogradShape> winogradShape(const Convolution& convolution, at::ScalarType dtype, at::IntArrayRef weightSize);

/** The step of a convolution with `filters` in place of its weights. */
at::Tensor winogradStep(const Convolution& convolution, const Values& in, const at::Tensor& filters);

/** Whether it takes less time than oneDNN's direct form, as far as sizes and the kind of processor tell: the same in every process. */
bool winogradSuits(const Convolution& convolution, const at::Tensor& weight, at::IntArrayRef inputSize);

/** Whether it gives the same with these weights, but for rounding: looked at on noise, the same each time. */
bool winogradIsClose(const Convolution& convolution, const at::Tensor& weight, const at::Tensor& filters);

}  // namespace binding
