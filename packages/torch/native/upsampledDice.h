#pragma once
#include <ATen/core/Tensor.h>

#include "alignCorners.h"

namespace binding {

// Soft Dice loss of the softmax of `logits` [n, c, h, w], enlarged bilinearly to the size of `labels` (uint8, [n, H, W]): the mean over all
// classes of 1 - 2 sum(p y) / (sum(p) + sum(y)), sums over the labelled pixels of the batch, 0 for a class without a label.
at::Tensor upsampledDice(const at::Tensor& logits, const at::Tensor& labels, int64_t ignore, AlignCorners alignCorners);

}  // namespace binding
