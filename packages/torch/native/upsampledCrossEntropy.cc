// Cross-entropy of bilinearly enlarged logits, without the enlarged logits: rowLoss.h.
#include "upsampledCrossEntropy.h"

#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/kthvalue.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <limits>

#include "rowLoss.h"

namespace binding {

namespace {

// Loss of one pixel; adds its gradient, `weight` times it.
FOR_EACH_CPU
double plain(const Pixel& at, float weight) {
  float* z = at.scratch;
  const float top = between(z, at.left, at.right, at.fraction, at.padded);
  const float truth = z[at.label];
  const float sum = exponentials(z, top, at.padded);
  const float share = weight / sum, right = at.fraction * share, left = share - right;
  float *gp = at.leftGradient, *gq = at.rightGradient;
#pragma omp simd
  for (int64_t i = 0; i < at.padded; i++) {
    gp[i] += left * z[i];
    gq[i] += right * z[i];
  }
  gp[at.label] -= weight * (1 - at.fraction);
  gq[at.label] -= weight * at.fraction;
  return std::log(sum) + top - truth;
}

// Loss of one pixel whose label counts `weight` and each class `shares[i]`, together `all`; adds its gradient.
FOR_EACH_CPU
double smoothed(const Pixel& at, float weight, const float* shares, float all) {
  float* z = at.scratch;
  const float top = between(z, at.left, at.right, at.fraction, at.padded);
  const float truth = z[at.label] - top;
  float spread = 0;
#pragma omp simd reduction(+ : spread)
  for (int64_t i = 0; i < at.padded; i++) spread += shares[i] * (z[i] - top);
  const float sum = exponentials(z, top, at.padded);
  const float share = all / sum, right = at.fraction, left = 1 - right;
  float *gp = at.leftGradient, *gq = at.rightGradient;
#pragma omp simd
  for (int64_t i = 0; i < at.padded; i++) {
    const float gradient = share * z[i] - shares[i];
    gp[i] += left * gradient;
    gq[i] += right * gradient;
  }
  gp[at.label] -= weight * left;
  gq[at.label] -= weight * right;
  return double(all) * std::log(sum) - double(weight) * truth - spread;
}

// Probability of the label; 0 for one that is no number, whose loss is none either.
FOR_EACH_CPU
float truthOf(const Pixel& at) {
  const float top = between(at.scratch, at.left, at.right, at.fraction, at.padded);
  const float sum = exponentials(at.scratch, top, at.padded);
  const float truth = at.scratch[at.label] / sum;
  return truth >= 0 ? truth : 0;
}

// As many labelled pixels as are kept at least.
int64_t leastKept(int64_t labelled, double kept) { return std::clamp<int64_t>(std::llround(kept * double(labelled)), 1, labelled); }

// Stands for the truth of pixels that are not labelled: no limit is as high.
constexpr float unlabelled = 2;

// Of each pixel, the probability of its label.
std::vector<float> truthsOf(const LabelledLogits& t) {
  std::vector<float> truths(t.logits.n * t.height * t.width, unlabelled);
  lookAtRows(t, nullptr, [&](int64_t) {
    return [&](const Pixel& at) {
      truths[at.index] = truthOf(at);
      return 0.0;
    };
  });
  return truths;
}

// The greatest truth that hard pixels have.
float hardestTruths(std::vector<float> truths, const CrossEntropyOptions& options) {
  const auto labelled = std::remove(truths.begin(), truths.end(), unlabelled);
  const int64_t count = labelled - truths.begin();
  if (count == 0) return 0;
  const auto last = truths.begin() + leastKept(count, options.ohemKept) - 1;
  std::nth_element(truths.begin(), last, labelled);
  return std::max(*last, float(options.ohemThreshold));
}

LossAndGradient byKernel(const at::Tensor& logits, const at::Tensor& labels, const std::optional<at::Tensor>& classWeights,
                         const CrossEntropyOptions& options) {
  const auto target = labels.contiguous();
  const int64_t c = logits.size(1);
  const auto weightTensor = classWeights ? classWeights->to(at::kFloat).contiguous() : at::ones({c}, at::kFloat);
  const float* weights = weightTensor.const_data_ptr<float>();
  auto gradient = at::zeros({logits.size(0), logits.size(2), logits.size(3), c}, at::kFloat);
  auto histogram = labelHistogram(target, c, options.ignore);
  const LabelledLogits t(logits, target, options.ignore, options.alignCorners);

  const bool mining = options.ohemThreshold > 0;
  const auto truths = mining ? truthsOf(t) : std::vector<float>();
  const float limit = mining ? hardestTruths(truths, options) : unlabelled;
  if (mining) {
    histogram.fill(0);
    for (size_t i = 0; i < truths.size(); i++) histogram[t.labels[i]] += truths[i] <= limit;
  }
  double total = 0;
  for (int64_t id = 0; id < c; id++) {
    if (histogram[id] > 0) total += double(weights[id]) * double(histogram[id]);
  }
  const float scale = float(1.0 / total);

  const auto smoothing = float(options.labelSmoothing);
  std::vector<float> shares(t.logits.padded, 0.0f);
  float everywhere = 0;
  for (int64_t id = 0; id < c; id++) everywhere += shares[id] = smoothing / float(c) * weights[id] * scale;

  const auto look = [&](const Pixel& at) -> double {
    if (mining && truths[at.index] > limit) return 0;
    const float weight = weights[at.label] * scale;
    if (smoothing == 0) return weight * plain(at, weight);
    const float mine = (1 - smoothing) * weight;
    return smoothed(at, mine, shares.data(), mine + everywhere);
  };
  const double loss = total > 0 ? lookAtRows(t, gradient.mutable_data_ptr<float>(), [&](int64_t) { return look; }) : std::nan("");
  return {at::scalar_tensor(loss, at::kFloat), gradient.permute({0, 3, 1, 2})};
}

// The same by libtorch's operations, wherever the logits are and in float64 too: a band of rows at a time, whose gradient is added up
// before the next is made, so that no more than a band is ever enlarged.
LossAndGradient byBands(const at::Tensor& logits, const at::Tensor& labels, const std::optional<at::Tensor>& classWeights,
                        const CrossEntropyOptions& options) {
  const auto dtype = logits.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const int64_t classes = logits.size(1), height = labels.size(1), width = labels.size(2), ignore = options.ignore;
  const auto weights = classWeights ? classWeights->to(dtype) : at::ones({classes}, logits.options().dtype(dtype));
  const auto leaf = logits.detach().to(dtype).requires_grad_(true);
  leaf.mutable_grad() = at::zeros_like(leaf);
  const Axis rows(logits.size(2), height, options.alignCorners), columns(logits.size(3), width, options.alignCorners);
  const int64_t count = rowsAtATime(logits, width);
  auto target = labels.to(at::kLong);
  const auto labelled = target.ne(ignore);
  const auto ids = target.masked_select(labelled);
  if (ids.numel() > 0) requireClass(ids.max().item<int64_t>(), classes);
  if (options.ohemThreshold > 0 && ids.numel() > 0) {
    const auto truths = at::zeros(target.sizes(), leaf.options());
    for (int64_t y = 0; y < height; y += count) {
      const int64_t end = std::min(height, y + count);
      const auto band = enlarged(leaf.detach(), rows.part(y, end), columns).softmax(1);
      const auto mine = target.narrow(1, y, end - y).masked_fill(labelled.narrow(1, y, end - y).logical_not(), 0);
      truths.narrow(1, y, end - y).copy_(band.gather(1, mine.unsqueeze(1)).squeeze(1).nan_to_num(0.0));
    }
    const auto found = truths.masked_select(labelled);
    const auto last = std::get<0>(at::kthvalue(found, leastKept(found.numel(), options.ohemKept)));
    target = target.masked_fill(truths.gt(last.clamp_min(options.ohemThreshold)), ignore);
  }
  const auto total = weights.index_select(0, target.masked_select(target.ne(ignore))).sum();
  const at::AutoGradMode recording(true);
  auto loss = at::zeros({}, total.options());
  for (int64_t y = 0; y < height; y += count) {
    const int64_t end = std::min(height, y + count);
    const auto band = enlarged(leaf, rows.part(y, end), columns);
    const auto part =
        at::cross_entropy_loss(band, target.narrow(1, y, end - y), weights, at::Reduction::Sum, ignore, options.labelSmoothing).div(total);
    part.backward();
    loss.add_(part.detach());
  }
  return {loss, leaf.grad()};
}

}  // namespace

at::Tensor upsampledCrossEntropy(const at::Tensor& logits, const at::Tensor& labels, const std::optional<at::Tensor>& weights,
                                 const CrossEntropyOptions& options) {
  requireLabelled("upsampledCrossEntropy", logits, labels, weights);
  TORCH_CHECK(options.labelSmoothing >= 0 && options.labelSmoothing <= 1, "expected labelSmoothing from 0 to 1, found ", options.labelSmoothing);
  TORCH_CHECK(options.ohemThreshold >= 0 && options.ohemThreshold <= 1, "expected ohemThreshold from 0 to 1, found ", options.ohemThreshold);
  TORCH_CHECK(options.ohemKept >= 0 && options.ohemKept <= 1, "expected ohemKept from 0 to 1, found ", options.ohemKept);
  const bool kernel = logits.is_cpu() && logits.scalar_type() != at::kDouble;
  const auto found = [&] {
    const c10::NoGradGuard silent;
    return (kernel ? byKernel : byBands)(logits, labels, weights, options);
  }();
  return withGradient(logits, found);
}

}  // namespace binding
