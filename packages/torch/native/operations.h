// What the expressions in operations.txt may call besides libtorch.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <vector>

#include "batchNorm.h"
#include "bilinear.h"
#include "call.h"
#include "convolution.h"
#include "enlargeMatrix.h"
#include "sharedBatch.h"
#include "upsampledArgmax.h"
#include "upsampledCrossEntropy.h"
#include "upsampledDice.h"

namespace binding {

inline std::vector<at::Tensor> prepended(const at::Tensor& first, std::vector<at::Tensor> others) {
  others.insert(others.begin(), first);
  return others;
}

inline at::TensorOptions options(at::ScalarType dtype, at::Device device) { return at::TensorOptions(dtype).device(device); }

inline at::Tensor converted(const at::Tensor& tensor, std::optional<at::ScalarType> dtype, std::optional<at::Device> device) {
  return tensor.to(device.value_or(tensor.device()), dtype.value_or(tensor.scalar_type()));
}

}  // namespace binding
