#include "quantisedConvolution.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/div.h>
#include <ATen/ops/eq.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/round.h>
#include <ATen/ops/zeros.h>

#include <stdexcept>

namespace binding {

namespace {

using Sizes = c10::List<int64_t>;
using Scalars = c10::List<std::optional<at::Scalar>>;
using Name = std::optional<std::string_view>;
using OptionalTensor = std::optional<at::Tensor>;
using OptionalType = std::optional<at::ScalarType>;

Sizes listOf(const Integers& integers) {
  Sizes list;
  for (const auto integer : integers) list.push_back(integer);
  return list;
}

const Signature quantisationFields{"quantisation", {"scale", "zeroPoint"}};

/** Argument `index`: an object, or nothing. */
std::optional<Quantisation> quantisationAt(const Call& attributes, size_t index) {
  return attributes.absent(index) ? std::nullopt : std::optional(quantisationOf(Call(attributes, index, quantisationFields)));
}

OptionalTensor given(const at::Tensor& value) { return value.defined() ? OptionalTensor(value) : std::nullopt; }

using Prepack = at::Tensor(at::Tensor, at::Tensor, double, int64_t, Sizes, Sizes, Sizes, int64_t, std::optional<Sizes>);
using Plain = at::Tensor(at::Tensor, double, int64_t, at::Tensor, at::Tensor, at::Tensor, OptionalTensor, Sizes, Sizes, Sizes, int64_t, double, int64_t,
                         OptionalType, std::string_view, Scalars, Name);
using Summing = at::Tensor(at::Tensor, double, int64_t, at::Tensor, at::Tensor, at::Tensor, at::Tensor, OptionalTensor, Sizes, Sizes, Sizes, int64_t, double,
                           int64_t, OptionalType, double, int64_t, std::string_view, std::optional<at::Scalar>, Name, Scalars, Name);

template <typename Function>
c10::TypedOperatorHandle<Function> operation(const char* name, const char* overload = "") {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, overload).typed<Function>();
}

const auto& prepack() {
  static const auto handle = operation<Prepack>("onednn::qconv_prepack");
  return handle;
}

const auto& plain() {
  static const auto handle = operation<Plain>("onednn::qconv2d_pointwise");
  return handle;
}

const auto& summing() {
  static const auto handle = operation<Summing>("onednn::qconv2d_pointwise", "binary");
  return handle;
}

/** Sums 64 products of the largest byte and the largest weight. */
bool sumsOfLargestAreExact() {
  constexpr int64_t channels = 64;
  const Sizes one{1, 1}, none{0, 0};
  const auto x = at::full({1, channels, 8, 8}, 255, at::kByte).contiguous(at::MemoryFormat::ChannelsLast);
  const auto scales = at::ones({channels}), zeros = at::zeros({channels}, at::kInt);
  const auto weight = prepack().call(at::full({channels, channels, 1, 1}, 127, at::kChar), scales, 1, 0, one, none, one, 1, Sizes{1, channels, 8, 8});
  const auto y = plain().call(x, 1, 0, weight, scales, zeros, std::nullopt, one, none, one, 1, 1, 0, at::kFloat, "none", Scalars(), std::nullopt);
  return y.eq(channels * 255 * 127).all().item<bool>();
}

}  // namespace

QuantisedConvolution::QuantisedConvolution(const Call& attributes)
    : convolution(attributes),
      input(quantisationOf(Call(attributes, 6, quantisationFields))),
      output(quantisationAt(attributes, 7)),
      residual(quantisationAt(attributes, 8)),
      inPlace(attributes.boolean(9)) {}

void QuantisedConvolution::pack(at::Tensor& weight, at::Tensor& scales, const Integers& inputSize) const {
  constexpr double most = 127, mostInexact = 64;
  const double bound = sumsBytesExactly() ? most : mostInexact;
  if (bound < most) scales = scales.mul(most / bound);
  const auto levels = at::round(at::div(weight, scales.view({-1, 1, 1, 1}))).clamp_(-bound, bound).to(at::kChar).contiguous();
  const auto& [stride, padding, dilation, groups, activation] = convolution;
  weight = prepack().call(levels, scales, input.scale, input.zeroPoint, listOf(stride), listOf(padding), listOf(dilation), groups, listOf(inputSize));
}

at::Tensor QuantisedConvolution::operator()(const Values& in) const {
  const auto& [stride, padding, dilation, groups, activation] = convolution;
  const auto x = in[0].contiguous(at::MemoryFormat::ChannelsLast);
  const auto to = output.value_or(Quantisation{});
  const auto type = output ? at::kByte : at::kFloat;
  const auto zeroPoints = at::zeros({in[2].size(0)}, at::kInt);
  if (!in[4].defined()) {
    return plain().call(x, input.scale, input.zeroPoint, in[1], in[2], zeroPoints, given(in[3]), listOf(stride), listOf(padding), listOf(dilation), groups,
                      to.scale, to.zeroPoint, type, activation, convolution.scalars(), std::nullopt);
  }
  TORCH_CHECK(in[4].scalar_type() == (residual ? at::kByte : at::kFloat) && residual.has_value() == output.has_value(),
              "expected a residual of the output's type, found ", in[4].scalar_type());
  const auto from = residual.value_or(Quantisation{});
  auto sum = in[4].contiguous(at::MemoryFormat::ChannelsLast);
  if (!inPlace && sum.is_same(in[4])) sum = sum.clone();
  const auto unary = activation == "none" ? Name() : Name(activation);
  return summing().call(x, input.scale, input.zeroPoint, in[1], in[2], zeroPoints, sum, given(in[3]), listOf(stride), listOf(padding), listOf(dilation), groups,
                      to.scale, to.zeroPoint, type, from.scale, from.zeroPoint, "sum", std::nullopt, unary, Scalars(), std::nullopt);
}

bool sumsBytesExactly() {
  static const bool exactly = sumsOfLargestAreExact();
  return exactly;
}

// Whether int8 has instructions of its own here, which sum exactly.
FUNCTION(exactInt8) { return call.result(sumsBytesExactly()); }

}  // namespace binding
