// Soft Dice loss of bilinearly enlarged logits, without the enlarged logits: rowLoss.h. The sums that it is made of are one walk over the
// rows, the gradient that follows from them another.
#include "upsampledDice.h"

#include <ATen/ops/one_hot.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

#include "rowLoss.h"

namespace binding {

namespace {

constexpr double tiny = 1e-7;

// Adds the probabilities of one pixel's classes to `sums`; returns its label's.
FOR_EACH_CPU
float addProbabilities(const Pixel& at, float* sums) {
  float* z = at.scratch;
  const float top = between(z, at.left, at.right, at.fraction, at.padded);
  const float share = 1 / exponentials(z, top, at.padded);
#pragma omp simd
  for (int64_t i = 0; i < at.padded; i++) sums[i] += share * z[i];
  return share * z[at.label];
}

// Adds the gradient of a loss whose derivative by the probability of class i is `slopes[i]`, and `ownSlope` more for the label.
FOR_EACH_CPU
void addGradient(const Pixel& at, const float* slopes, float ownSlope) {
  float* z = at.scratch;
  const float top = between(z, at.left, at.right, at.fraction, at.padded);
  const float share = 1 / exponentials(z, top, at.padded);
  float mean = 0;
#pragma omp simd reduction(+ : mean)
  for (int64_t i = 0; i < at.padded; i++) mean += slopes[i] * z[i];
  const float own = share * z[at.label] * ownSlope;
  mean = share * mean + own;
  const float right = at.fraction, left = 1 - right;
  float *gp = at.leftGradient, *gq = at.rightGradient;
#pragma omp simd
  for (int64_t i = 0; i < at.padded; i++) {
    const float gradient = share * z[i] * (slopes[i] - mean);
    gp[i] += left * gradient;
    gq[i] += right * gradient;
  }
  gp[at.label] += left * own;
  gq[at.label] += right * own;
}

LossAndGradient byKernel(const at::Tensor& logits, const at::Tensor& labels, int64_t ignore, AlignCorners alignCorners) {
  const auto target = labels.contiguous();
  const int64_t n = logits.size(0), c = logits.size(1), h = logits.size(2), w = logits.size(3);
  const auto histogram = labelHistogram(target, c, ignore);
  const LabelledLogits t(logits, target, ignore, alignCorners);
  const int64_t padded = t.logits.padded;
  std::vector<float> probabilities(n * h * padded, 0.0f), truths(n * h * padded, 0.0f);
  lookAtRows(t, nullptr, [&](int64_t task) {
    return [p = &probabilities[task * padded], y = &truths[task * padded]](const Pixel& at) {
      y[at.label] += addProbabilities(at, p);
      return 0.0;
    };
  });
  double loss = 0;
  std::vector<float> slopes(padded, 0.0f), ownSlopes(padded, 0.0f);
  for (int64_t id = 0; id < c; id++) {
    if (histogram[id] == 0) continue;
    double both = 0, all = double(histogram[id]);
    for (int64_t task = 0; task < n * h; task++) {
      both += truths[task * padded + id];
      all += probabilities[task * padded + id];
    }
    loss += (1 - 2 * both / all) / double(c);
    slopes[id] = float(2 * both / (all * all) / double(c));
    ownSlopes[id] = float(-2 / all / double(c));
  }
  auto gradient = at::zeros({n, h, w, c}, at::kFloat);
  lookAtRows(t, gradient.mutable_data_ptr<float>(), [&](int64_t) {
    return [&](const Pixel& at) {
      addGradient(at, slopes.data(), ownSlopes[at.label]);
      return 0.0;
    };
  });
  return {at::scalar_tensor(loss, at::kFloat), gradient.permute({0, 3, 1, 2})};
}

// The same by libtorch's operations, a band of rows at a time: wherever the logits are, and in float64.
LossAndGradient byBands(const at::Tensor& logits, const at::Tensor& labels, int64_t ignore, AlignCorners alignCorners) {
  const auto dtype = logits.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const int64_t c = logits.size(1), height = labels.size(1), width = labels.size(2);
  const auto leaf = logits.detach().to(dtype).requires_grad_(true);
  leaf.mutable_grad() = at::zeros_like(leaf);
  const Axis rows(logits.size(2), height, alignCorners), columns(logits.size(3), width, alignCorners);
  const auto labelled = labels.ne(ignore);
  const auto ids = labels.to(at::kLong).masked_fill(labelled.logical_not(), 0);
  if (ids.numel() > 0) requireClass(ids.max().item<int64_t>(), c);
  const auto sums = [&](const auto& visit) {
    for (int64_t y = 0, count = rowsAtATime(logits, width); y < height; y += count) {
      const int64_t end = std::min(height, y + count);
      const auto mask = labelled.narrow(1, y, end - y).unsqueeze(1).to(dtype);
      visit(enlarged(leaf, rows.part(y, end), columns).softmax(1).mul(mask),
            at::one_hot(ids.narrow(1, y, end - y), c).permute({0, 3, 1, 2}).to(dtype).mul(mask));
    }
  };
  auto both = at::zeros({c}, leaf.options()), truth = at::zeros({c}, leaf.options()), all = at::zeros({c}, leaf.options());
  sums([&](const at::Tensor& p, const at::Tensor& y) {
    both.add_(p.mul(y).sum({0, 2, 3}));
    truth.add_(y.sum({0, 2, 3}));
    all.add_(p.add(y).sum({0, 2, 3}));
  });
  const auto present = truth.gt(0).to(dtype).div(double(c));
  all.clamp_min_(tiny);
  const auto loss = present.mul(both.mul(-2).div(all).add(1)).sum();
  const auto slopes = present.mul(both).mul(2).div(all.square()).view({1, c, 1, 1});
  const auto ownSlopes = present.mul(-2).div(all).view({1, c, 1, 1});
  const at::AutoGradMode recording(true);
  sums([&](const at::Tensor& p, const at::Tensor& y) { p.mul(slopes.add(y.mul(ownSlopes))).sum().backward(); });
  return {loss, leaf.grad()};
}

}  // namespace

at::Tensor upsampledDice(const at::Tensor& logits, const at::Tensor& labels, int64_t ignore, AlignCorners alignCorners) {
  requireLabelled("upsampledDice", logits, labels);
  const bool kernel = logits.is_cpu() && logits.scalar_type() != at::kDouble;
  const auto found = [&] {
    const c10::NoGradGuard silent;
    return (kernel ? byKernel : byBands)(logits, labels, ignore, alignCorners);
  }();
  return withGradient(logits, found);
}

}  // namespace binding
