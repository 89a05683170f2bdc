#include "winogradChoice.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/ops/randn.h>

#include <chrono>
#include <limits>
#include <map>

namespace binding {

namespace {

/** Seconds of the fastest of up to three runs; long ones are not done again. */
template <typename Work>
double fastest(const Work& work) {
  using Clock = std::chrono::steady_clock;
  double best = std::numeric_limits<double>::infinity(), all = 0;
  for (int i = 0; i < 3 && all < 0.05; i++) {
    const auto start = Clock::now();
    work();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    best = std::min(best, seconds);
    all += seconds;
  }
  return best;
}

bool measure(const Convolution& convolution, const at::Tensor& weight, at::IntArrayRef inputSize) {
  constexpr double largestError = 2e-5, worthwhile = 0.95;
  auto plain = convolution;
  plain.activation = "none";
  const auto noise = at::randn(inputSize, at::detail::createCPUGenerator(0), at::TensorOptions(at::kFloat).memory_format(at::MemoryFormat::ChannelsLast)).relu_();
  const auto packed = plain.packed(weight, inputSize), filters = winogradFilters(weight.to_dense());
  const auto direct = [&] { return convolve(plain, {noise, packed, at::Tensor(), at::Tensor()}); };
  const auto winograd = [&] { return winogradStep(plain, {noise, packed, at::Tensor(), at::Tensor()}, filters); };
  const auto expected = direct();
  const double error = expected.sub(winograd()).abs_().max().item<double>();
  // Also where either is NaN.
  if (!(error <= largestError * expected.abs().max().item<double>())) return false;
  return fastest(winograd) < worthwhile * fastest(direct);
}

}  // namespace

std::optional<WinogradShape> winogradShape(const Convolution& convolution, at::IntArrayRef weightSize) {
  return winogradShape(weightSize, convolution.stride, convolution.padding, convolution.dilation, convolution.groups);
}

at::Tensor winogradStep(const Convolution& convolution, const Values& in, const at::Tensor& filters) {
  WinogradEpilogue epilogue{in[2], in[3]};
  if (convolution.activation != "none") epilogue.low = 0;
  if (convolution.activation == "hardtanh") epilogue.high = 6;
  return winogradConvolution(in[0], filters, *winogradShape(convolution, in[1].sizes()), epilogue);
}

bool winogradIsFaster(const Convolution& convolution, const at::Tensor& weight, at::IntArrayRef inputSize) {
  if (weight.scalar_type() != at::kFloat || !winogradShape(convolution, weight.sizes())) return false;
  static std::map<std::vector<int64_t>, bool> known;
  std::vector<int64_t> key(inputSize.vec());
  key.insert(key.end(), {weight.size(0), convolution.dilation[0], at::get_num_threads()});
  const auto [found, fresh] = known.try_emplace(key, false);
  if (fresh) found->second = measure(convolution, weight, inputSize);
  return found->second;
}

}  // namespace binding
