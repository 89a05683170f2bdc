// The image's rows are walked one at a time: for each scale the two rows of probabilities around it are made from the logits of the
// windows that lie on them, and kept for the next row. Probabilities of a whole image, or a whole window, never exist.
#include "averagedProbabilities.h"

#include <ATen/core/op_registration/adaption.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/flip.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>
#include <vector>

#include "bilinear.h"
#include "call.h"
#include "computeThread.h"
#include "parallel.h"

namespace binding {

namespace {

/** Adds `share` of the softmax between the columns p and q. `z` is scratch. */
FOR_EACH_CPU
void addSoftmax(float* sum, const float* p, const float* q, float* z, float fraction, float share, int64_t padded) {
  const float top = between(z, p, q, fraction, padded);
  const float factor = share / exponentials(z, top, padded);
#pragma omp simd
  for (int64_t i = 0; i < padded; i++) sum[i] += factor * z[i];
}

/** sum += share (a + fraction (b - a)) */
FOR_EACH_CPU
void addBlend(float* sum, const float* a, const float* b, float fraction, float share, int64_t count) {
#pragma omp simd
  for (int64_t i = 0; i < count; i++) sum[i] += share * (a[i] + fraction * (b[i] - a[i]));
}

FOR_EACH_CPU
void multiply(float* values, float factor, int64_t count) {
#pragma omp simd
  for (int64_t i = 0; i < count; i++) values[i] *= factor;
}

FOR_EACH_CPU
uint8_t largest(const float* values, int64_t padded, int64_t classes) {
  float top = never;
#pragma omp simd reduction(max : top)
  for (int64_t i = 0; i < padded; i++) top = std::max(top, values[i]);
  return firstOf(values, top, padded, classes);
}

/** What the rows of one scale need, made once. */
struct Source {
  const ScaledImage& image;
  /** Of each window. */
  std::vector<LogitRows> logits;
  int64_t classes, padded;
  /** From the enlarged window to its logits. */
  Axis windowRows, windowColumns;
  /** From the image to this scale. */
  Axis rows, columns;

  Source(const ScaledImage& image, Size size, bool alignCorners)
      : image(image),
        classes(image.windows.at(0).logits.size(1)),
        padded(paddedToLanes(classes)),
        windowRows(image.windows[0].logits.size(2), image.enlarged.height, alignCorners),
        windowColumns(image.windows[0].logits.size(3), image.enlarged.width, alignCorners),
        rows(image.size.height, size.height, false),
        columns(image.size.width, size.width, false) {
    for (const auto& window : image.windows) logits.emplace_back(window.logits);
  }
};

/** Rows of probabilities of one scale, one thread's. */
class Rows {
 public:
  explicit Rows(const Source& source)
      : source_(source), blended_(source.logits[0].room()), z_(source.padded), counts_(source.image.size.width) {
    // One column more than the row has: the right neighbour of the last column, with fraction 0.
    for (auto& row : rows_) row.resize((source.image.size.width + 1) * source.padded, 0.0f);
    between_.resize(rows_[0].size(), 0.0f);
  }

  /** Adds `share` of the row that is row y of the image. */
  void add(float* sum, int64_t y, float share) {
    const auto& [image, logits, classes, padded, windowRows, windowColumns, rows, columns] = source_;
    const int64_t wide = image.size.width * padded, above = rows.below[y];
    const float down = rows.fraction[y];
    const float* upper = row(above);
    const float* lower = down > 0 ? row(above + 1) : upper;
    if (static_cast<int64_t>(columns.below.size()) == image.size.width) {
      addBlend(sum, upper, lower, down, share, wide);
      return;
    }
    blend(between_.data(), upper, lower, down, wide);
    for (size_t x = 0; x < columns.below.size(); x++) {
      const float* left = &between_[columns.below[x] * padded];
      addBlend(sum + x * padded, left, left + padded, columns.fraction[x], share, padded);
    }
  }

 private:
  const Source& source_;
  /** Row y is kept in place y % 2. */
  std::array<std::vector<float>, 2> rows_;
  std::array<int64_t, 2> held_{-1, -1};
  std::vector<float> blended_, between_, z_;
  std::vector<int> counts_;

  const float* row(int64_t y) {
    auto& row = rows_[y % 2];
    if (held_[y % 2] == y) return row.data();
    held_[y % 2] = y;
    std::fill(row.begin(), row.end(), 0.0f);
    std::fill(counts_.begin(), counts_.end(), 0);
    for (size_t i = 0; i < source_.logits.size(); i++) addWindow(row.data(), i, y);
    for (size_t x = 0; x < counts_.size(); x++) {
      if (counts_[x] > 1) multiply(&row[x * source_.padded], 1.0f / float(counts_[x]), source_.padded);
    }
    return row.data();
  }

  void addWindow(float* row, size_t index, int64_t y) {
    const auto& image = source_.image;
    const auto& window = image.windows[index];
    const int64_t inside = y + image.top - window.top, shift = window.left - image.left;
    if (inside < 0 || inside >= image.window.height) return;
    const int64_t begin = std::max<int64_t>(0, -shift), end = std::min(image.window.width, image.size.width - shift);
    for (int64_t x = begin; x < end; x++) counts_[x + shift]++;
    const auto& logits = source_.logits[index];
    for (int64_t view = 0; view < logits.n; view++) {
      logits.between(blended_.data(), view, source_.windowRows.below[inside], source_.windowRows.fraction[inside]);
      for (int64_t x = begin; x < end; x++) {
        const int64_t column = view == 0 ? x : image.window.width - 1 - x;
        const float* left = &blended_[source_.windowColumns.below[column] * source_.padded];
        addSoftmax(row + (x + shift) * source_.padded, left, left + source_.padded, z_.data(), source_.windowColumns.fraction[column],
                   1.0f / float(logits.n), source_.padded);
      }
    }
  }
};

at::Tensor byKernel(const std::vector<ScaledImage>& scales, Size size, Span span, bool alignCorners, Answer answer) {
  std::vector<Source> sources;
  for (const auto& scale : scales) sources.emplace_back(scale, size, alignCorners);
  const int64_t classes = sources[0].classes, padded = sources[0].padded, width = size.width, height = span.end - span.begin;
  const auto result = answer == Answer::labels ? at::empty({height, width}, at::kByte) : at::empty({classes, height, width}, at::kFloat);
  parallelFor(height, 16, [&](int64_t begin, int64_t end) {
    std::vector<Rows> rows(sources.begin(), sources.end());
    std::vector<float> sum(width * padded);
    for (int64_t y = begin; y < end && !computingStops(); y++) {
      std::fill(sum.begin(), sum.end(), 0.0f);
      for (auto& one : rows) one.add(sum.data(), span.begin + y, 1.0f / float(rows.size()));
      if (answer == Answer::labels) {
        auto* labels = result.mutable_data_ptr<uint8_t>() + y * width;
        for (int64_t x = 0; x < width; x++) labels[x] = largest(&sum[x * padded], padded, classes);
      } else {
        auto* probabilities = result.mutable_data_ptr<float>() + y * width;
        for (int64_t c = 0; c < classes; c++) {
          for (int64_t x = 0; x < width; x++) probabilities[c * height * width + x] = sum[x * padded + c];
        }
      }
    }
  });
  return result;
}

/** Rows `span` of the image at one scale, [1, c, rows, w] of the image's width, by libtorch's operations. */
at::Tensor bandOf(const ScaledImage& image, Size size, Span span, bool alignCorners) {
  const auto& [scaled, top, left, window, full, windows] = image;
  const auto& first = windows.at(0).logits;
  const Axis down = Axis(scaled.height, size.height, false).part(span.begin, span.end), across(scaled.width, size.width, false);
  const Axis windowRows(first.size(2), full.height, alignCorners), windowColumns(first.size(3), full.width, alignCorners);
  const int64_t begin = down.below.front(), end = down.below.back() + (down.fraction.back() > 0 ? 2 : 1);
  // Of the padded image, in which the windows stand.
  auto sum = at::zeros({1, first.size(1), end - begin, scaled.width}, first.options()), count = at::zeros({1, 1, end - begin, scaled.width}, first.options());
  for (const auto& one : windows) {
    const int64_t y0 = std::max(begin + top, one.top), y1 = std::min(end + top, one.top + window.height);
    const int64_t x0 = std::max(left, one.left), x1 = std::min(left + scaled.width, one.left + window.width);
    if (y0 >= y1 || x0 >= x1) continue;
    const auto rows = windowRows.part(y0 - one.top, y1 - one.top);
    const auto views = at::softmax(enlarged(one.logits, rows, windowColumns.part(0, window.width)), 1);
    const auto plain = views.narrow(0, 0, 1);
    const auto both = views.size(0) == 1 ? plain : plain.add(at::flip(views.narrow(0, 1, 1), {3})).div(2);
    const auto on = [&](const at::Tensor& whole) { return whole.narrow(2, y0 - top - begin, y1 - y0).narrow(3, x0 - left, x1 - x0); };
    on(sum).add_(both.narrow(3, x0 - one.left, x1 - x0));
    on(count).add_(1);
  }
  return enlarged(sum.div_(count), down.within(begin, end - begin), across);
}

/** The same by libtorch's operations, wherever the logits are and in their precision, a band of rows at a time. */
at::Tensor byBands(const std::vector<ScaledImage>& scales, Size size, Span span, bool alignCorners, Answer answer) {
  std::vector<at::Tensor> bands;
  for (int64_t y = span.begin, count = rowsAtATime(scales[0].windows[0].logits.narrow(0, 0, 1), size.width); y < span.end; y += count) {
    const Span band{y, std::min(span.end, y + count)};
    at::Tensor total;
    for (const auto& scale : scales) {
      const auto one = bandOf(scale, size, band, alignCorners);
      total = total.defined() ? total.add_(one) : one;
    }
    if (answer == Answer::labels) bands.push_back(largestClass(total)[0].cpu());
    else bands.push_back(total[0].div(static_cast<double>(scales.size())).to(at::kFloat).cpu());
  }
  return at::cat(bands, answer == Answer::labels ? 0 : 1);
}

}  // namespace

at::Tensor averaged(const std::vector<ScaledImage>& scales, Size size, Span span, bool alignCorners, Answer answer) {
  TORCH_CHECK(!scales.empty(), "expected logits of one scale or more");
  TORCH_CHECK(0 <= span.begin && span.begin < span.end && span.end <= size.height, "expected rows of the image, found ", span.begin, " to ", span.end);
  std::optional<at::Device> device;
  for (const auto& scale : scales) {
    TORCH_CHECK(!scale.windows.empty(), "expected one window or more at each scale");
    for (const auto side : {scale.size.height, scale.size.width, scale.window.height, scale.window.width}) TORCH_CHECK(side > 0, "expected sides from 1 up, found ", side);
    for (const auto& [top, left, logits] : scale.windows) {
      const auto& first = scales[0].windows[0].logits;
      requireLogits(logits);
      c10::impl::check_and_update_common_device(device, logits, "averaged", "logits");
      TORCH_CHECK(logits.size(0) >= 1 && logits.size(0) <= 2 && logits.size(1) <= 256 && logits.size(1) == first.size(1) &&
                      logits.scalar_type() == first.scalar_type() && logits.sizes() == scale.windows[0].logits.sizes(),
                  "expected logits [1 or 2, c, h, w] of at most 256 classes, alike for all windows, found ", logits.sizes());
      TORCH_CHECK(top >= 0 && left >= 0, "expected windows within the image, found one at ", top, ", ", left);
    }
    TORCH_CHECK(scale.enlarged.height >= scale.window.height && scale.enlarged.width >= scale.window.width,
                "expected logits to be enlarged to a window's size or more");
  }
  const auto& first = scales[0].windows[0].logits;
  const bool kernel = first.is_cpu() && first.scalar_type() == at::kFloat;
  return (kernel ? byKernel : byBands)(scales, size, span, alignCorners, answer);
}

// A promise of `averaged`, for rows [begin, end]. Each scale is given as [height, width, top, left, window height and width, enlarged height and width,
// windows, and top and left of each window], one after the other.
FUNCTION(averaged, "scales", "logits", "size", "rows", "alignCorners", "labels") {
  const auto numbers = call.integers(0), size = call.size(2), rows = call.integers(3, 2);
  const auto logits = call.tensors(1);
  std::vector<ScaledImage> scales;
  size_t at = 0, used = 0;
  const auto next = [&] {
    if (at == numbers.size()) throw std::invalid_argument("scales: expected more numbers");
    return numbers[at++];
  };
  while (at < numbers.size()) {
    ScaledImage scale{{next(), next()}, next(), next(), {next(), next()}, {next(), next()}, {}};
    for (auto left = next(); left > 0; left--) {
      if (used == logits.size()) throw std::invalid_argument("logits: expected those of each window");
      scale.windows.push_back({next(), next(), logits[used++]});
    }
    scales.push_back(std::move(scale));
  }
  const auto work = [scales = std::move(scales), size = Size{size[0], size[1]}, span = Span{rows[0], rows[1]}, alignCorners = call.boolean(4),
                     answer = call.boolean(5) ? Answer::labels : Answer::probabilities] {
    c10::NoGradGuard noGrad;
    return averaged(scales, size, span, alignCorners, answer);
  };
  return computeLater(call, work);
}

}  // namespace binding
