#pragma once
#include <ATen/core/Tensor.h>

#include <optional>

#include "alignCorners.h"

namespace binding {

struct CrossEntropyOptions {
  int64_t ignore;
  AlignCorners alignCorners;
  /** As torch.nn.CrossEntropyLoss has it. */
  double labelSmoothing;
  /** Only the pixels count whose label has at most this probability, or the next ones until `ohemKept` of the labelled ones do; 0: all. */
  double ohemThreshold;
  double ohemKept;
};

// Mean cross-entropy of `logits` [n, c, h, w], enlarged bilinearly to the size of `labels` (uint8, [n, H, W]).
// Equals upsample_bilinear2d followed by cross_entropy_loss, gradient included, within float32 rounding.
at::Tensor upsampledCrossEntropy(const at::Tensor& logits, const at::Tensor& labels, const std::optional<at::Tensor>& weights,
                                 const CrossEntropyOptions& options);

}  // namespace binding
