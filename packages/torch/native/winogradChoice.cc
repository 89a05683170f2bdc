#include "winogradChoice.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/ops/randn.h>

#include <chrono>
#include <limits>
#include <map>

namespace binding {

namespace {

constexpr int64_t fewestChannels = 32;

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

std::optional<WinogradShape> winogradShape(const Convolution& convolution, const at::Tensor& weight) {
  const auto& [stride, padding, dilation, groups, activation] = convolution;
  const bool small = weight.size(0) < fewestChannels || weight.size(1) < fewestChannels;
  const bool form = weight.size(2) == 3 && weight.size(3) == 3 && stride == Integers{1, 1} && padding == dilation && dilation[0] == dilation[1];
  if (!hasWinograd() || weight.scalar_type() != at::kFloat || groups != 1 || small || !form) return std::nullopt;
  return WinogradShape{weight.size(1), weight.size(0), dilation[0]};
}

at::Tensor winogradStep(const Convolution& convolution, const Values& in, const at::Tensor& filters) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const bool limited = convolution.activation != "none";
  const WinogradEpilogue epilogue{in[2], in[3], limited ? 0 : -infinity, convolution.activation == "hardtanh" ? 6 : infinity};
  return winogradConvolution(in[0], filters, *winogradShape(convolution, in[1]), epilogue);
}

bool winogradIsFaster(const Convolution& convolution, const at::Tensor& weight, at::IntArrayRef inputSize) {
  if (!winogradShape(convolution, weight)) return false;
  static std::map<std::vector<int64_t>, bool> known;
  std::vector<int64_t> key(inputSize.vec());
  key.insert(key.end(), {weight.size(0), convolution.dilation[0], at::get_num_threads()});
  const auto [found, fresh] = known.try_emplace(key, false);
  if (fresh) found->second = measure(convolution, weight, inputSize);
  return found->second;
}

}  // namespace binding
