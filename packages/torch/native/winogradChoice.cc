#include "winogradChoice.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/randn.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <map>

namespace binding {

namespace {

/** What a form of a convolution gives, and the seconds that its fastest run takes, of up to three: long ones are not done again. */
struct Measured {
  at::Tensor output;
  double seconds = std::numeric_limits<double>::infinity();

  template <typename Work>
  explicit Measured(const Work& work) {
    using Clock = std::chrono::steady_clock;
    constexpr double longEnough = 0.005;
    double all = 0;
    for (int i = 0; i < 3 && all < longEnough; i++) {
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

bool measure(const Convolution& convolution, const at::Tensor& weight, at::IntArrayRef inputSize) {
  constexpr double worthwhile = 0.95;
  const auto dtype = weight.scalar_type();
  auto plain = convolution;
  plain.activation = "none";
  const auto options = at::TensorOptions(at::kFloat).memory_format(at::MemoryFormat::ChannelsLast);
  const auto noise = at::randn(inputSize, at::detail::createCPUGenerator(0), options).relu_().to(dtype);
  const auto packed = plain.packed(weight, inputSize), filters = winogradFilters(weight.to_dense(), dtype);
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

bool winogradIsFaster(const Convolution& convolution, const at::Tensor& weight, at::IntArrayRef inputSize) {
  if (!winogradShape(convolution, weight.scalar_type(), weight.sizes())) return false;
  static std::map<std::vector<int64_t>, bool> known;
  std::vector<int64_t> key(inputSize.vec());
  key.insert(key.end(), {static_cast<int64_t>(weight.scalar_type()), weight.size(0), convolution.dilation[0], at::get_num_threads()});
  const auto [found, fresh] = known.try_emplace(key, false);
  if (fresh) found->second = measure(convolution, weight, inputSize);
  return found->second;
}

}  // namespace binding
