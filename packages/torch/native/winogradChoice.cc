#include "winogradChoice.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/randn.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>

#include "processor.h"

namespace binding {

namespace {

/** What a form of a convolution gives, and the seconds of its fastest run: of two, as the first finds nothing in cache, or of three short ones. */
struct Measured {
  at::Tensor output;
  double seconds = std::numeric_limits<double>::infinity();

  template <typename Work>
  explicit Measured(const Work& work) {
    using Clock = std::chrono::steady_clock;
    constexpr double longEnough = 0.01;
    double all = 0;
    for (int i = 0; i < 2 || (i < 3 && all < longEnough); i++) {
      const auto start = Clock::now();
      output = work();
      const double taken = std::chrono::duration<double>(Clock::now() - start).count();
      seconds = std::min(seconds, taken);
      all += taken;
    }
  }
};

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

/** With as many of the rows as tell which form is faster: those of whole tiles, and of two billion multiplications. */
Integers shortened(at::IntArrayRef size, int64_t outputs, int64_t dilation) {
  constexpr double enough = 2e9;
  const int64_t wholeTiles = 12 * dilation;
  const double ofRow = 9.0 * static_cast<double>(size[0] * size[1] * size[3] * outputs);
  const auto rows = static_cast<int64_t>(std::ceil(enough / ofRow / static_cast<double>(wholeTiles))) * wholeTiles;
  return {size[0], size[1], std::min(size[2], rows), size[3]};
}

bool measure(const Convolution& convolution, const at::Tensor& weight, at::IntArrayRef inputSize, const at::Tensor& filters) {
  constexpr double worthwhile = 0.95;
  auto plain = convolution;
  plain.activation = "none";
  const auto size = shortened(inputSize, weight.size(0), convolution.dilation[0]);
  const auto noise = noiseOf(size, weight.scalar_type()), packed = plain.packed(weight, size);
  const Measured direct([&] { return convolve(plain, {noise, packed, at::Tensor(), at::Tensor()}); });
  const Measured winograd([&] { return winogradStep(plain, {noise, packed, at::Tensor(), at::Tensor()}, filters); });
  return winograd.seconds < worthwhile * direct.seconds && close(winograd.output, direct.output);
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

bool winogradIsFaster(const Convolution& convolution, const at::Tensor& weight, at::IntArrayRef inputSize, c10::function_ref<at::Tensor()> filters) {
  if (!winogradShape(convolution, weight.scalar_type(), weight.sizes())) return false;
  static std::map<std::vector<int64_t>, bool> known;
  std::vector<int64_t> key(inputSize.vec());
  key.insert(key.end(), {static_cast<int64_t>(weight.scalar_type()), weight.size(0), convolution.dilation[0], at::get_num_threads()});
  const auto [found, fresh] = known.try_emplace(key, false);
  if (fresh) found->second = measure(convolution, weight, inputSize, filters());
  return found->second;
}

}  // namespace binding
