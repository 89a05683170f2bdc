// The walk of losses over bilinearly enlarged logits, and of their gradient, without the enlarged logits.
//
// Output rows are walked one at a time: a row of logits is interpolated, each of its pixels looked at, and its gradient scattered straight
// into the gradient at the logits' own resolution. Nothing of size [n, c, H, W] ever exists.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "bilinear.h"
#include "parallel.h"

namespace binding {

/** Labelled logits: what a loss is of. */
struct LabelledLogits {
  LogitRows logits;
  const uint8_t* labels;  // [n, H, W]
  int64_t height, width;
  int64_t ignore;
  Axis rows, columns;

  LabelledLogits(const at::Tensor& logits, const at::Tensor& labels, int64_t ignore, AlignCorners alignCorners)
      : logits(logits),
        labels(labels.const_data_ptr<uint8_t>()),
        height(labels.size(1)),
        width(labels.size(2)),
        ignore(ignore),
        rows(logits.size(2), height, alignCorners),
        columns(logits.size(3), width, alignCorners) {}
};

/** One labelled output pixel, between the columns `left` and `right` of an interpolated row. */
struct Pixel {
  const float* left;
  const float* right;
  /** Where the gradients of the two columns are added up; null where none is asked for. */
  float* leftGradient;
  float* rightGradient;
  /** Scratch for a value a class. */
  float* scratch;
  float fraction;
  int64_t padded;
  int64_t label;
  /** Among all pixels of all images. */
  int64_t index;
};

/** All output rows between source rows `top` and `top + 1` of image `image`; returns what `look` gave for their labelled pixels, added up. */
template <typename Look>
double lookAtInterval(const LabelledLogits& t, float* gradients, int64_t image, int64_t top, int64_t first, int64_t last, const Look& look) {
  const int64_t classes = t.logits.classes, padded = t.logits.padded, h = t.logits.h, w = t.logits.w;
  const int64_t bottom = std::min(top + 1, h - 1);
  auto row = t.logits.room();
  auto gradient = gradients ? t.logits.room() : std::vector<float>();
  std::vector<float> z(padded);
  const auto at = [&](int64_t y) { return gradients + (image * h + y) * w * classes; };
  double sum = 0;
  for (int64_t y = first; y < last; y++) {
    const float down = t.rows.fraction[y];
    t.logits.between(row.data(), image, top, down);
    std::fill(gradient.begin(), gradient.end(), 0.0f);
    const int64_t start = (image * t.height + y) * t.width;
    for (int64_t x = 0; x < t.width; x++) {
      const int64_t label = t.labels[start + x];
      if (label == t.ignore) continue;
      const int64_t left = t.columns.below[x] * padded, right = left + padded;
      sum += look(Pixel{&row[left], &row[right], gradients ? &gradient[left] : nullptr, gradients ? &gradient[right] : nullptr, z.data(),
                        t.columns.fraction[x], padded, label, start + x});
    }
    if (!gradients) continue;
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
  return sum;
}

/**
 * Calls `look(task)(pixel)` for every labelled pixel, where tasks from 0 to before n * h are parts whose results may be kept apart; returns the
 * sum of the results. Neighbouring intervals share a source row, so even ones run first, then odd ones: no two threads write one row of
 * `gradients` [n, h, w, c], and the order of additions, hence every bit, is the same for any number of threads.
 */
template <typename Looks>
double lookAtRows(const LabelledLogits& t, float* gradients, const Looks& look) {
  const int64_t n = t.logits.n, h = t.logits.h;
  std::vector<int64_t> first(h + 1, t.height);
  for (int64_t y = t.height - 1; y >= 0; y--) first[t.rows.below[y]] = y;
  for (int64_t k = h - 1; k >= 0; k--) first[k] = std::min(first[k], first[k + 1]);
  std::vector<double> sums(n * h, 0.0);
  for (int64_t parity = 0; parity < 2; parity++) {
    const int64_t intervals = (h - parity + 1) / 2;
    parallelFor(n * intervals, 1, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; task++) {
        const int64_t image = task / intervals, top = 2 * (task % intervals) + parity;
        sums[image * h + top] = lookAtInterval(t, gradients, image, top, first[top], first[top + 1], look(image * h + top));
      }
    });
  }
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

/** How many labelled pixels each class has. Throws unless all labels but `ignore` are classes. */
std::array<int64_t, 256> labelHistogram(const at::Tensor& labels, int64_t classes, int64_t ignore);

/** Throws unless `label` is a class. */
void requireClass(int64_t label, int64_t classes);

/** A loss, and its gradient by the logits: [n, c, h, w]. */
struct LossAndGradient {
  at::Tensor loss, gradient;
};

/** The loss as a function of the logits, whose gradient autograd then knows. */
at::Tensor withGradient(const at::Tensor& logits, const LossAndGradient& found);

/** Throws unless logits [n, c, h, w] labels (uint8, [n, H, W]) and a weight for each class fit each other, for the loss `name`. */
void requireLabelled(const char* name, const at::Tensor& logits, const at::Tensor& labels, const std::optional<at::Tensor>& weights = {});

}  // namespace binding
