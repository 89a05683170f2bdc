// A batch that the ranks of a process group have samples of: sample i lies on rank i % size.
#pragma once

#include <ATen/core/Tensor.h>

#include "processGroup.h"

namespace binding {

/** The group over whose batch batch norm is to be on this thread; nullptr for this process's samples alone. */
c10::intrusive_ptr<ProcessGroup> normalisingGroup();

/** As at::dropout and at::feature_dropout: of a shared batch, what one process would draw for all its samples. */
at::Tensor dropout(const at::Tensor& x, double p, bool training);
at::Tensor dropout2d(const at::Tensor& x, double p, bool training);

}  // namespace binding
