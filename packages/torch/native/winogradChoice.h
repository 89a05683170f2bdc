// Which convolutions of a plan are Winograd's.
#pragma once

#include <c10/util/FunctionRef.h>

#include "plan.h"
#include "winograd.h"

namespace binding {

std::optional<WinogradShape> winogradShape(const Convolution& convolution, at::ScalarType dtype, at::IntArrayRef weightSize);

/** The step of a convolution with `filters` in place of its weights. */
at::Tensor winogradStep(const Convolution& convolution, const Values& in, const at::Tensor& filters);

/** Whether it is worth while, as far as sizes and the kind of processor tell: the same in every process. */
bool winogradSuits(const Convolution& convolution, const at::Tensor& weight, at::IntArrayRef inputSize);

/**
 * Whether that takes less time than oneDNN's direct form, for inputs of this size, and gives the same but for rounding. Measured once in a
 * process for each shape, with the `filters` that are then asked for: on noise, which is not the data's, so that it may fall out otherwise
 * the next time where both take about as long.
 */
bool winogradIsFaster(const Convolution& convolution, const at::Tensor& weight, at::IntArrayRef inputSize, c10::function_ref<at::Tensor()> filters);

}  // namespace binding
