#include "winogradChoice.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/randn.h>

#include "processor.h"

namespace binding {

namespace {

/**
 * Whether they differ by rounding alone. In bfloat16 by that of transformed inputs and filters and of outputs: 0.006 of the norm on
 * this noise, and less where neighbours are alike, as in features of photographs.
 */
bool close(const at::Tensor& found, const at::Tensor& expected) {
  const auto difference = expected.sub(found);
  // Comparisons are false where either is NaN.
  if (expected.scalar_type() == at::kFloat) return difference.abs().max().item<double>() <= 2e-5 * expected.abs().max().item<double>();
  const auto norm = [](const at::Tensor& tensor) { return at::linalg_vector_norm(tensor, 2, at::OptionalIntArrayRef(), false, at::kFloat).item<double>(); };
  return norm(difference) <= 8e-3 * norm(expected);
}

/** Channels-last, as features after a ReLU are: the same numbers again and again, a prime number of them, on other channels each time. */
at::Tensor noiseOf(at::IntArrayRef size, at::ScalarType dtype) {
  constexpr int64_t period = 65537;
  const int64_t count = c10::multiply_integers(size);
  const auto numbers = at::randn({period}, at::detail::createCPUGenerator(0), at::TensorOptions(at::kFloat)).relu_().to(dtype);
  return numbers.repeat({(count + period - 1) / period}).narrow(0, 0, count).view({size[0], size[2], size[3], size[1]}).permute({0, 3, 1, 2});
}

}  // namespace

std::optional<WinogradShape> winogradShape(const Convolution& convolution, at::ScalarType dtype, at::IntArrayRef weightSize) {
  return winogradShape(dtype, weightSize, convolution.stride, convolution.padding, convolution.dilation, convolution.groups);
}

at::Tensor winogradStep(const Convolution& convolution, const Values& in, const at::Tensor& filters) {
  WinogradEpilogue epilogue{in[2], in[3]};
  if (convolution.activation != "none") epilogue.low = 0;
  if (convolution.activation == "hardtanh") epilogue.high = 6;
  return winogradConvolution(in[0], filters, *winogradShape(convolution, in[0].scalar_type(), in[1].sizes()), epilogue);
}

bool winogradSuits(const Convolution& convolution, const at::Tensor& weight, at::IntArrayRef inputSize) {
  const auto shape = winogradShape(convolution, weight.scalar_type(), weight.sizes());
  if (!shape || inputSize.size() != 4 || inputSize[1] != shape->inputs) return false;
  // AMX multiplies directly in less time.
  if (shape->dtype == at::kBFloat16 && oneDnnUsesAmx()) return false;
  return winogradMultipliesLess(inputSize, *shape, {.filter = 0});
}

bool winogradIsClose(const Convolution& convolution, const at::Tensor& weight, const at::Tensor& filters) {
  constexpr int64_t side = 12;
  auto plain = convolution;
  plain.activation = "none";
  const at::Tensor none, noise = noiseOf({1, weight.size(1), side, side}, weight.scalar_type());
  return close(winogradStep(plain, {noise, weight, none, none}, filters), convolve(plain, {noise, weight, none, none}));
}

}  // namespace binding
