// Cross-entropy of bilinearly enlarged logits, without the enlarged logits.
//
// Output rows are walked one at a time: a row of logits is interpolated, its softmax taken, its loss added, and its
// gradient scattered straight into the gradient at the logits' own resolution. Nothing of size [n, c, H, W] exists.
#include "upsampledCrossEntropy.h"

#include <ATen/core/op_registration/adaption.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "bilinear.h"
#include "parallel.h"

namespace binding {

namespace {

struct Problem {
  LogitRows logits;
  const uint8_t* labels;  // [n, H, W]
  const float* weights;   // [c]
  float* gradient;        // [n, h, w, c]
  int64_t height, width;
  int64_t ignore;
  float scale;  // 1 / sum of the weights of the labelled pixels
  Axis rows, columns;
};

// Loss of one output pixel between the columns p and q; adds its gradient to gp and gq. `z` is scratch.
FOR_EACH_CPU
double pixel(const float* p, const float* q, float* gp, float* gq, float* z, float fraction, int64_t padded, int64_t label, float weight) {
  const float top = between(z, p, q, fraction, padded);
  const float truth = z[label];
  const float sum = exponentials(z, top, padded);
  const float share = weight / sum, right = fraction * share, left = share - right;
#pragma omp simd
  for (int64_t i = 0; i < padded; i++) {
    gp[i] += left * z[i];
    gq[i] += right * z[i];
  }
  gp[label] -= weight * (1 - fraction);
  gq[label] -= weight * fraction;
  return std::log(sum) + top - truth;
}

// All output rows between source rows `top` and `top + 1` of image `image`; returns their weighted loss.
double rowInterval(const Problem& t, int64_t image, int64_t top, int64_t first, int64_t last) {
  const int64_t classes = t.logits.classes, padded = t.logits.padded, h = t.logits.h, w = t.logits.w;
  const int64_t bottom = std::min(top + 1, h - 1);
  auto row = t.logits.room(), gradient = t.logits.room();
  std::vector<float> z(padded);
  const auto at = [&](int64_t y) { return t.gradient + (image * h + y) * w * classes; };
  double loss = 0;
  for (int64_t y = first; y < last; y++) {
    const float down = t.rows.fraction[y];
    t.logits.between(row.data(), image, top, down);
    std::fill(gradient.begin(), gradient.end(), 0.0f);
    const uint8_t* labels = t.labels + (image * t.height + y) * t.width;
    for (int64_t x = 0; x < t.width; x++) {
      const int64_t label = labels[x];
      if (label == t.ignore) continue;
      const int64_t left = t.columns.below[x] * padded;
      const float weight = t.weights[label] * t.scale;
      loss += weight * pixel(&row[left], &row[left + padded], &gradient[left], &gradient[left + padded], z.data(), t.columns.fraction[x], padded,
                             label, weight);
    }
    for (int64_t x = 0; x < w; x++) {
      const float* from = &gradient[x * padded];
      float* up = at(top) + x * classes;
      float* low = at(bottom) + x * classes;
      for (int64_t i = 0; i < classes; i++) {
        const float share = down * from[i];
        up[i] += from[i] - share;
        low[i] += share;
      }
    }
  }
  return loss;
}

// Neighbouring intervals share a source row, so even ones run first, then odd ones: no two threads write one row, and
// the order of additions, hence every bit, is the same for any number of threads.
double walk(const Problem& t) {
  const int64_t n = t.logits.n, h = t.logits.h;
  std::vector<int64_t> first(h + 1, t.height);
  for (int64_t y = t.height - 1; y >= 0; y--) first[t.rows.below[y]] = y;
  for (int64_t k = h - 1; k >= 0; k--) first[k] = std::min(first[k], first[k + 1]);
  std::vector<double> losses(n * h, 0.0);
  for (int64_t parity = 0; parity < 2; parity++) {
    const int64_t intervals = (h - parity + 1) / 2;
    parallelFor(n * intervals, 1, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; task++) {
        const int64_t image = task / intervals, top = 2 * (task % intervals) + parity;
        losses[image * h + top] = rowInterval(t, image, top, first[top], first[top + 1]);
      }
    });
  }
  double total = 0;
  for (const double loss : losses) total += loss;
  return total;
}

void requireClass(int64_t label, int64_t classes) {
  TORCH_CHECK(label < classes, "label ", label, " is not below the ", classes, " classes of the logits");
}

// Sum of the class weights over the labelled pixels.
double labelledWeight(const at::Tensor& labels, const float* weights, int64_t classes, int64_t ignore) {
  const uint8_t* data = labels.const_data_ptr<uint8_t>();
  std::array<int64_t, 256> histogram{};
  for (int64_t i = 0; i < labels.numel(); i++) histogram[data[i]]++;
  double total = 0;
  for (int64_t id = 0; id < 256; id++) {
    if (histogram[id] == 0 || id == ignore) continue;
    requireClass(id, classes);
    total += double(weights[id]) * double(histogram[id]);
  }
  return total;
}

struct LossAndGradient {
  at::Tensor loss, gradient;
};

LossAndGradient byKernel(const at::Tensor& logits, const at::Tensor& labels, const std::optional<at::Tensor>& classWeights, int64_t ignore,
                        bool alignCorners) {
  const auto target = labels.contiguous();
  const int64_t n = logits.size(0), c = logits.size(1), h = logits.size(2), w = logits.size(3), height = target.size(1), width = target.size(2);
  const auto weights = classWeights ? classWeights->to(at::kFloat).contiguous() : at::ones({c}, at::kFloat);
  auto gradient = at::zeros({n, h, w, c}, at::kFloat);
  const double total = labelledWeight(target, weights.const_data_ptr<float>(), c, ignore);
  const Problem problem{LogitRows(logits),
                        target.const_data_ptr<uint8_t>(),
                        weights.const_data_ptr<float>(),
                        gradient.mutable_data_ptr<float>(),
                        height,
                        width,
                        ignore,
                        float(1.0 / total),
                        Axis(h, height, alignCorners),
                        Axis(w, width, alignCorners)};
  const double loss = total > 0 ? walk(problem) : std::nan("");
  return {at::scalar_tensor(loss, at::kFloat), gradient.permute({0, 3, 1, 2})};
}

// The same by libtorch's operations, wherever the logits are and in float64 too: a band of rows at a time, whose gradient is added up
// before the next is made, so that no more than a band is ever enlarged.
LossAndGradient byBands(const at::Tensor& logits, const at::Tensor& labels, const std::optional<at::Tensor>& classWeights, int64_t ignore,
                        bool alignCorners) {
  const auto dtype = logits.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const int64_t classes = logits.size(1), height = labels.size(1), width = labels.size(2);
  const auto weights = classWeights ? classWeights->to(dtype) : at::ones({classes}, logits.options().dtype(dtype));
  const auto target = labels.to(at::kLong);
  const auto labelled = target.masked_select(target.ne(ignore));
  if (labelled.numel() > 0) requireClass(labelled.max().item<int64_t>(), classes);
  const auto total = weights.index_select(0, labelled).sum();
  const at::AutoGradMode recording(true);
  const auto leaf = logits.detach().to(dtype).requires_grad_(true);
  leaf.mutable_grad() = at::zeros_like(leaf);
  const Axis rows(logits.size(2), height, alignCorners), columns(logits.size(3), width, alignCorners);
  auto loss = at::zeros({}, total.options());
  for (int64_t y = 0, count = rowsAtATime(logits, width); y < height; y += count) {
    const int64_t end = std::min(height, y + count);
    const auto band = enlarged(leaf, rows.part(y, end), columns);
    const auto part = at::cross_entropy_loss(band, target.narrow(1, y, end - y), weights, at::Reduction::Sum, ignore).div(total);
    part.backward();
    loss.add_(part.detach());
  }
  return {loss, leaf.grad()};
}

class UpsampledCrossEntropy : public torch::autograd::Function<UpsampledCrossEntropy> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& logits, const at::Tensor& labels,
                            const std::optional<at::Tensor>& weights, int64_t ignore, bool alignCorners) {
    const bool kernel = logits.is_cpu() && logits.scalar_type() != at::kDouble;
    const auto result = (kernel ? byKernel : byBands)(logits, labels, weights, ignore, alignCorners);
    context->save_for_backward({result.gradient.to(logits.scalar_type())});
    return result.loss;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, const torch::autograd::variable_list& outer) {
    return {at::mul(context->get_saved_variables()[0], outer[0]), {}, {}, {}, {}};
  }
};

}  // namespace

at::Tensor upsampledCrossEntropy(const at::Tensor& logits, const at::Tensor& labels, const std::optional<at::Tensor>& weights, int64_t ignore,
                                   bool alignCorners) {
  requireLogits(logits);
  TORCH_CHECK(labels.dim() == 3 && logits.size(0) == labels.size(0) && labels.size(1) > 0 && labels.size(2) > 0,
              "expected logits [n, c, h, w] and labels [n, H, W] with pixels, found ", logits.sizes(), " and ", labels.sizes());
  TORCH_CHECK(labels.scalar_type() == at::kByte, "expected labels of type uint8, found ", labels.scalar_type());
  TORCH_CHECK(!weights || weights->numel() == logits.size(1), "expected a weight for each of ", logits.size(1), " classes, found ", weights->numel());
  std::optional<at::Device> device;
  c10::impl::check_and_update_common_device(device, logits, "upsampledCrossEntropy", "logits");
  c10::impl::check_and_update_common_device(device, labels, "upsampledCrossEntropy", "labels");
  c10::impl::check_and_update_common_device(device, weights, "upsampledCrossEntropy", "weight");
  return UpsampledCrossEntropy::apply(logits, labels, weights, ignore, alignCorners);
}

}  // namespace binding
