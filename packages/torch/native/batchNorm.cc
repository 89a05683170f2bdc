// Forward reads the features for their moments, and once more to normalise them. Backward reads them and the gradient for two sums of each
// channel, and once more for the gradient of the features. Where ReLU let values through follows from the features, or from the output where a
// residual was added.
#include "batchNorm.h"

#include <ATen/ops/batch_norm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/relu.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "batchNormKernels.h"
#include "parallel.h"
#include "sharedBatch.h"
#include "sharedBatchNorm.h"

namespace binding {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/** Features as rows of channels, and the parts that threads take: the same for any number of them. */
struct Rows {
  int64_t rows, channels, parts;

  explicit Rows(const at::Tensor& x) : rows(x.numel() / x.size(1)), channels(x.size(1)), parts(std::max<int64_t>(1, rows / rowsOfPart())) {}

  int64_t begin(int64_t part) const { return rows * part / parts; }

  /** Calls `work(part, first row, rows)`. */
  template <typename Work>
  void forEachPart(const Work& work) const {
    parallelFor(parts, 1, [&](int64_t first, int64_t last) {
      for (int64_t part = first; part < last; part++) work(part, begin(part), begin(part + 1) - begin(part));
    });
  }

 private:
  /** So many that sums of parts are few beside what is summed, and that a thread is worth waking for a part. */
  int64_t rowsOfPart() const { return std::max<int64_t>(64, 32768 / channels); }
};

/** The sums `[2, c]`, in float64, that `add(first row, rows, sums)` adds up of parts, in an order that does not depend on threads. */
template <typename Add>
at::Tensor sumsOf(const Rows& in, const Add& add) {
  const auto partial = at::empty({in.parts, 2, in.channels}, at::kDouble);
  double* const from = partial.mutable_data_ptr<double>();
  const int64_t values = 2 * in.channels;
  in.forEachPart([&](int64_t part, int64_t first, int64_t rows) {
    std::fill_n(from + part * values, values, 0.0);
    add(first, rows, from + part * values);
  });
  for (int64_t part = 1; part < in.parts; part++) {
    for (int64_t i = 0; i < values; i++) from[i] += from[part * values + i];
  }
  return partial[0];
}

/** How each channel is normalised, `[4, c]`: mean, scale, shift, and 1 / sqrt(variance + eps). */
struct Statistics {
  at::Tensor values;

  Normalisation normalisation() const { return {row(0), row(1), row(2)}; }
  const float* inverseDeviation() const { return row(3); }

 private:
  const float* row(int64_t i) const { return values.const_data_ptr<float>() + i * values.size(1); }
};

/** By the mean and variance that `of(channel)` says. */
template <typename Of>
Statistics statisticsBy(const BatchNormState& state, double eps, const Of& of) {
  const int64_t channels = state.weight.size(0);
  const auto values = at::empty({4, channels}, at::kFloat);
  const float *weight = state.weight.const_data_ptr<float>(), *bias = state.bias.const_data_ptr<float>();
  float* const to = values.mutable_data_ptr<float>();
  for (int64_t c = 0; c < channels; c++) {
    const auto [mean, variance] = of(c);
    const double inverse = 1 / std::sqrt(variance + eps);
    const float scale = float(weight[c] * inverse);
    to[c] = float(mean);
    to[channels + c] = scale;
    // With the scale as it is rounded: what that is off counts for deviations from the mean then, and not for the mean.
    to[2 * channels + c] = float(bias[c] - mean * scale);
    to[3 * channels + c] = float(inverse);
  }
  return {values};
}

struct Moments {
  double mean, variance;
};

Statistics runningStatistics(const BatchNormState& state, double eps) {
  const float *mean = state.runningMean.const_data_ptr<float>(), *variance = state.runningVar.const_data_ptr<float>();
  return statisticsBy(state, eps, [&](int64_t c) { return Moments{mean[c], variance[c]}; });
}

/** What backward knows of each channel. */
struct ChannelGradients {
  at::Tensor weight, bias;
  /** See inputGradient. */
  std::vector<float> offset, slope;
};

/** What a batch is normalised over: the values of a channel, and who else has some of them. */
struct Batch {
  double count;
  /** Null for this process alone. */
  c10::intrusive_ptr<ProcessGroup> group;

  /** Of this process's samples, or of all that the group has: it has equally many on each rank. */
  static Batch of(const at::Tensor& x) {
    auto group = normalisingGroup();
    const double count = double(x.numel() / x.size(1));
    return group ? Batch{count * group->size, group} : Batch{count, {}};
  }

  /** Sums of this process's samples become those of the batch. */
  void complete(const at::Tensor& sums) const {
    if (group) group->sum(sums);
  }
};

/**
 * Of the `sums` of gradients and of their products with what is normalised, less its mean. The weight's and bias's are of this process's
 * samples: whoever adds up gradients over ranks does so with them.
 */
ChannelGradients gradientsByChannel(const at::Tensor& sums, const Batch& batch, const Statistics& statistics, bool training) {
  const int64_t channels = sums.size(1);
  const double *sum = sums.const_data_ptr<double>(), *products = sum + channels;
  ChannelGradients of{at::empty({channels}, at::kFloat), at::empty({channels}, at::kFloat), std::vector<float>(channels), std::vector<float>(channels)};
  float *weight = of.weight.mutable_data_ptr<float>(), *bias = of.bias.mutable_data_ptr<float>();
  for (int64_t c = 0; c < channels; c++) {
    const double inverse = statistics.inverseDeviation()[c];
    weight[c] = float(products[c] * inverse);
    bias[c] = float(sum[c]);
  }
  if (!training) return of;
  batch.complete(sums);
  for (int64_t c = 0; c < channels; c++) {
    const double inverse = statistics.inverseDeviation()[c];
    of.offset[c] = float(sum[c] / batch.count);
    of.slope[c] = float(products[c] * inverse * inverse / batch.count);
  }
  return of;
}

template <typename T>
at::Tensor momentSums(const at::Tensor& x) {
  const Rows in(x);
  const T* from = x.const_data_ptr<T>();
  return sumsOf(in, [&](int64_t first, int64_t rows, double* sums) { addMoments(from + first * in.channels, rows, in.channels, sums); });
}

/** Of a batch of `count` values a channel whose `sums` these are; the running ones move by `momentum`. */
Statistics batchStatistics(const at::Tensor& sums, double count, const BatchNormState& state, const BatchNormOptions& options) {
  const double *sum = sums.const_data_ptr<double>(), *squares = sum + sums.size(1);
  float *runningMean = state.runningMean.mutable_data_ptr<float>(), *runningVar = state.runningVar.mutable_data_ptr<float>();
  const double momentum = options.momentum;
  return statisticsBy(state, options.eps, [&](int64_t c) {
    const double mean = sum[c] / count, deviations = std::max(0.0, squares[c] - mean * sum[c]);
    runningMean[c] = float(momentum * mean + (1 - momentum) * runningMean[c]);
    runningVar[c] = float(momentum * (deviations / (count - 1)) + (1 - momentum) * runningVar[c]);
    return Moments{mean, deviations / count};
  });
}

/** Batch norm by known statistics, a residual and ReLU. */
template <typename T>
class Normalise : public torch::autograd::Function<Normalise<T>> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                            const std::optional<at::Tensor>& residual, const Statistics& statistics, const Batch& batch, bool training, bool relu) {
    const Rows in(x);
    const auto y = at::empty_like(x);
    const auto by = statistics.normalisation();
    const T *from = x.const_data_ptr<T>(), *added = residual ? residual->const_data_ptr<T>() : nullptr;
    T* const to = y.mutable_data_ptr<T>();
    in.forEachPart([&](int64_t, int64_t first, int64_t rows) {
      const int64_t place = first * in.channels;
      normalise(from + place, added ? added + place : nullptr, relu, rows, in.channels, by, to + place);
    });
    context->save_for_backward({x, residual && relu ? y : at::Tensor(), statistics.values});
    context->saved_data["training"] = training;
    context->saved_data["count"] = batch.count;
    if (batch.group) context->saved_data["group"] = c10::IValue::make_capsule(batch.group);
    context->saved_data["relu"] = relu;
    context->saved_data["residual"] = residual.has_value();
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto &x = saved[0], &y = saved[1];
    const Statistics statistics{saved[2]};
    const bool training = context->saved_data["training"].toBool(), relu = context->saved_data["relu"].toBool();
    const bool residual = context->saved_data["residual"].toBool();
    const auto gradient = gradients[0].contiguous(at::MemoryFormat::ChannelsLast);
    // What ReLU let through is the residual's gradient: once it is written nothing need be masked any more.
    const auto through = y.defined() ? at::empty_like(x) : gradient;
    const auto mask = y.defined() ? ReluMask::output : relu ? ReluMask::input : ReluMask::none;
    const Rows in(x);
    const auto by = statistics.normalisation();
    const auto rowsOf = [&](const at::Tensor& gradient, ReluMask mask, int64_t place) {
      const T* output = mask == ReluMask::output ? y.const_data_ptr<T>() + place : nullptr;
      return BackwardRows<T>{gradient.const_data_ptr<T>() + place, x.const_data_ptr<T>() + place, output, mask};
    };

    const auto sums = sumsOf(in, [&](int64_t first, int64_t rows, double* to) {
      const int64_t place = first * in.channels;
      addGradientSums(rowsOf(gradient, mask, place), rows, in.channels, by, to, y.defined() ? through.mutable_data_ptr<T>() + place : nullptr);
    });
    const auto of = gradientsByChannel(sums, batchOf(*context), statistics, training);
    at::Tensor ofInputs;
    if (context->needs_input_grad(0)) {
      ofInputs = at::empty_like(x);
      in.forEachPart([&](int64_t, int64_t first, int64_t rows) {
        const int64_t place = first * in.channels;
        inputGradient(rowsOf(through, y.defined() ? ReluMask::none : mask, place), rows, in.channels, by, of.offset.data(), of.slope.data(),
                      ofInputs.mutable_data_ptr<T>() + place);
      });
    }
    return {ofInputs, of.weight, of.bias, residual ? through : at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }

 private:
  static Batch batchOf(AutogradContext& context) {
    const double count = context.saved_data["count"].toDouble();
    const auto& group = context.saved_data["group"];
    if (group.isNone()) return {count, {}};
    return {count, c10::static_intrusive_pointer_cast<ProcessGroup>(group.toCapsule())};
  }
};

bool suits(const at::Tensor& tensor) {
  return tensor.is_cpu() && (tensor.scalar_type() == at::kFloat || tensor.scalar_type() == at::kBFloat16) && tensor.dim() == 4 && tensor.numel() > 0 &&
         tensor.is_contiguous(at::MemoryFormat::ChannelsLast);
}

bool suits(const BatchNormState& state, int64_t channels) {
  const auto isVector = [&](const at::Tensor& tensor) {
    return tensor.is_cpu() && tensor.scalar_type() == at::kFloat && tensor.sizes() == at::IntArrayRef{channels} && tensor.is_contiguous();
  };
  return isVector(state.weight) && isVector(state.bias) && isVector(state.runningMean) && isVector(state.runningVar);
}

template <typename T>
at::Tensor fused(const at::Tensor& x, const BatchNormState& state, const std::optional<at::Tensor>& residual, const BatchNormOptions& options,
                 bool relu) {
  const auto batch = Batch::of(x);
  const auto statisticsOfBatch = [&] {
    const auto sums = momentSums<T>(x);
    batch.complete(sums);
    return batchStatistics(sums, batch.count, state, options);
  };
  const auto statistics = options.training ? statisticsOfBatch() : runningStatistics(state, options.eps);
  return Normalise<T>::apply(x, state.weight, state.bias, residual, statistics, batch, options.training, relu);
}

at::Tensor byKernels(const at::Tensor& x, const BatchNormState& state, const std::optional<at::Tensor>& residual, const BatchNormOptions& options,
                     bool relu) {
  return (x.scalar_type() == at::kFloat ? fused<float> : fused<at::BFloat16>)(x, state, residual, options, relu);
}

at::Tensor byLibtorch(const at::Tensor& x, const BatchNormState& state, const std::optional<at::Tensor>& residual, const BatchNormOptions& options,
                      bool relu) {
  const auto group = normalisingGroup();
  if (group && options.training) return sharedBatchNorm(x, state, residual, options, relu, group);
  auto y = at::batch_norm(x, state.weight, state.bias, state.runningMean, state.runningVar, options.training, options.momentum, options.eps, true);
  if (residual) y = y.add(*residual);
  return relu ? at::relu(y) : y;
}

/** As it lies, but in the order that kernels take where ranks normalise together. */
at::Tensor laidOut(const at::Tensor& x) {
  return normalisingGroup() && x.is_cpu() && x.dim() == 4 ? x.contiguous(at::MemoryFormat::ChannelsLast) : x;
}

}  // namespace

at::Tensor batchNorm(const at::Tensor& features, const BatchNormState& state, const BatchNormOptions& options) {
  const auto x = laidOut(features);
  return suits(x) && suits(state, x.size(1)) ? byKernels(x, state, {}, options, false) : byLibtorch(x, state, {}, options, false);
}

at::Tensor batchNormRelu(const at::Tensor& features, const BatchNormState& state, const std::optional<at::Tensor>& summand, const BatchNormOptions& options) {
  const auto x = laidOut(features);
  const auto residual = summand ? std::optional(laidOut(*summand)) : std::nullopt;
  const bool alike = !residual || (suits(*residual) && residual->sizes() == x.sizes() && residual->scalar_type() == x.scalar_type());
  if (alike && suits(x) && suits(state, x.size(1))) return byKernels(x, state, residual, options, true);
  return byLibtorch(x, state, residual, options, true);
}

}  // namespace binding
