// The image's rows are walked one at a time: for each scale the rows of probabilities around it are made from the logits of the
// windows that lie on them, and kept for the next row. Probabilities of a whole image, or a whole window, never exist.
#include "averagedProbabilities.h"

#include <ATen/core/op_registration/adaption.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/flip.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <vector>

#include "bilinear.h"
#include "call.h"
#include "computeThread.h"
#include "parallel.h"

namespace binding {

namespace {

/** sum += share * softmax(z), or softmax(z + other) where there is another. `z` is overwritten. */
FOR_EACH_CPU
void addSoftmax(float* sum, float* z, const float* other, float share, int64_t padded) {
  float top = never;
  if (other != nullptr) {
#pragma omp simd
    for (int64_t i = 0; i < padded; i++) z[i] += other[i];
  }
#pragma omp simd reduction(max : top)
  for (int64_t i = 0; i < padded; i++) top = std::max(top, z[i]);
  const float factor = share / exponentials(z, top, padded);
#pragma omp simd
  for (int64_t i = 0; i < padded; i++) sum[i] += factor * z[i];
}

/** sum += share * values */
FOR_EACH_CPU
void addShare(float* sum, const float* values, float share, int64_t count) {
#pragma omp simd
  for (int64_t i = 0; i < count; i++) sum[i] += share * values[i];
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

/** From one side of a scale to the image's own. */
Taps toImage(int64_t source, int64_t target, const Averaging& averaging) {
  if (averaging.smooth) return Taps::smooth(source, target);
  return Taps(Axis(source, target, averaging.networkCorners ? averaging.alignCorners : AlignCorners::no));
}

/** What the rows of one scale need, made once. */
struct Source {
  const ScaledImage& image;
  Softmax softmax;
  /** Of each window. */
  std::vector<LogitRows> logits;
  int64_t views, classes, padded;
  /** Maps that are kept apart until they are resized: the views, where logits are averaged. */
  int64_t maps;
  /** From the enlarged window to its logits. */
  Axis windowRows, windowColumns;
  /** From this scale to the image. */
  Taps rows, columns;

  Source(const ScaledImage& image, Size size, const Averaging& averaging)
      : image(image),
        softmax(averaging.softmax),
        views(image.windows.at(0).logits.size(0)),
        classes(image.windows[0].logits.size(1)),
        padded(paddedToLanes(classes)),
        maps(softmax == Softmax::image ? views : 1),
        windowRows(image.windows[0].logits.size(2), image.enlarged.height, averaging.alignCorners),
        windowColumns(image.windows[0].logits.size(3), image.enlarged.width, averaging.alignCorners),
        rows(toImage(image.size.height, size.height, averaging)),
        columns(toImage(image.size.width, size.width, averaging)) {
    for (const auto& window : image.windows) logits.emplace_back(window.logits);
  }
};

/** Rows of what is averaged at one scale, one thread's. */
class Rows {
 public:
  explicit Rows(const Source& source)
      : source_(source),
        rows_(source.rows.count, std::vector<float>(source.maps * source.image.size.width * source.padded)),
        held_(source.rows.count, -1),
        blended_(source.views, source.logits[0].room()),
        resized_(rows_[0].size()),
        z_(source.views, std::vector<float>(source.padded)),
        counts_(source.image.size.width) {}

  /** Adds `share` of the row that is row y of the image. */
  void add(float* sum, int64_t y, float share) {
    const auto& [image, softmax, logits, views, classes, padded, maps, windowRows, windowColumns, rows, columns] = source_;
    const float* values = resized(y);
    const bool same = columns.target() == image.size.width && !(softmax == Softmax::image);
    if (same) {
      addShare(sum, values, share, image.size.width * padded);
      return;
    }
    for (int64_t map = 0; map < maps; map++) {
      for (int64_t x = 0; x < columns.target(); x++) {
        const float* left = values + (map * image.size.width + columns.first[x]) * padded;
        float* to = softmax == Softmax::image ? z_[0].data() : sum + x * padded;
        if (softmax == Softmax::image) std::fill(z_[0].begin(), z_[0].end(), 0.0f);
        for (int64_t tap = 0; tap < columns.count; tap++) {
          const float weight = columns.weights[x * columns.count + tap];
          if (weight != 0) addShare(to, left + tap * padded, softmax == Softmax::image ? weight : share * weight, padded);
        }
        if (softmax == Softmax::image) addSoftmax(sum + x * padded, z_[0].data(), nullptr, share / float(maps), padded);
      }
    }
  }

 private:
  const Source& source_;
  /** [maps, w, padded]; row y is kept in place y % count. */
  std::vector<std::vector<float>> rows_;
  std::vector<int64_t> held_;
  /** A row of logits of each view of a window. */
  std::vector<std::vector<float>> blended_;
  /** A row of the image before it is resized across. */
  std::vector<float> resized_;
  /** A pixel of each view. */
  std::vector<std::vector<float>> z_;
  std::vector<int> counts_;

  /** Row y of the image, as wide as this scale. */
  const float* resized(int64_t y) {
    const auto& taps = source_.rows;
    if (taps.last(y) == taps.first[y]) return row(taps.first[y]);
    std::fill(resized_.begin(), resized_.end(), 0.0f);
    for (int64_t tap = 0; tap < taps.count; tap++) {
      const float weight = taps.weights[y * taps.count + tap];
      if (weight != 0) addShare(resized_.data(), row(taps.first[y] + tap), weight, static_cast<int64_t>(resized_.size()));
    }
    return resized_.data();
  }

  const float* row(int64_t y) {
    const size_t place = y % rows_.size();
    auto& row = rows_[place];
    if (held_[place] == y) return row.data();
    held_[place] = y;
    std::fill(row.begin(), row.end(), 0.0f);
    std::fill(counts_.begin(), counts_.end(), 0);
    for (size_t i = 0; i < source_.logits.size(); i++) addWindow(row.data(), i, y);
    const int64_t width = source_.image.size.width;
    for (int64_t at = 0; at < source_.maps * width; at++) {
      const int count = counts_[at % width];
      if (count > 1) multiply(&row[at * source_.padded], 1.0f / float(count), source_.padded);
    }
    return row.data();
  }

  void addWindow(float* row, size_t index, int64_t y) {
    const auto& image = source_.image;
    const auto& window = image.windows[index];
    const int64_t inside = y + image.top - window.top, shift = window.left - image.left, padded = source_.padded;
    if (inside < 0 || inside >= image.window.height) return;
    const int64_t begin = std::max<int64_t>(0, -shift), end = std::min(image.window.width, image.size.width - shift);
    const auto& logits = source_.logits[index];
    for (int64_t view = 0; view < logits.n; view++) {
      logits.between(blended_[view].data(), view, source_.windowRows.below[inside], source_.windowRows.fraction[inside]);
    }
    for (int64_t x = begin; x < end; x++) {
      counts_[x + shift]++;
      for (int64_t view = 0; view < logits.n; view++) {
        const int64_t column = view == 0 ? x : image.window.width - 1 - x;
        const float* left = &blended_[view][source_.windowColumns.below[column] * padded];
        blend(z_[view].data(), left, left + padded, source_.windowColumns.fraction[column], padded);
      }
      float* to = row + (x + shift) * padded;
      if (source_.softmax == Softmax::window) {
        addSoftmax(to, z_[0].data(), logits.n > 1 ? z_[1].data() : nullptr, 1.0f, padded);
        continue;
      }
      for (int64_t view = 0; view < logits.n; view++) {
        if (source_.softmax == Softmax::view) addSoftmax(to, z_[view].data(), nullptr, 1.0f / float(logits.n), padded);
        else addShare(to + view * image.size.width * padded, z_[view].data(), 1.0f, padded);
      }
    }
  }
};

at::Tensor byKernel(const std::vector<ScaledImage>& scales, Size size, Span span, const Averaging& averaging, Answer answer) {
  std::vector<Source> sources;
  for (const auto& scale : scales) sources.emplace_back(scale, size, averaging);
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

/** Dimension `dim` of maps [n, c, h, w] made of what `taps` says, of which maps have what comes from `from` on. */
at::Tensor along(const at::Tensor& maps, int64_t dim, const Taps& taps, Span targets, int64_t from) {
  const auto matrix = at::zeros({targets.end - targets.begin, maps.size(dim)}, at::kFloat);
  auto* weights = matrix.mutable_data_ptr<float>();
  for (int64_t i = targets.begin; i < targets.end; i++) {
    for (int64_t tap = 0; tap < taps.count; tap++) {
      const float weight = taps.weights[i * taps.count + tap];
      if (weight != 0) weights[(i - targets.begin) * maps.size(dim) + taps.first[i] + tap - from] = weight;
    }
  }
  const auto made = matrix.to(maps.device(), maps.scalar_type());
  return dim == 2 ? at::matmul(made, maps) : at::matmul(maps, made.t());
}

/** Rows `span` of the image at one scale, [1, c, rows, w] of the image's width, by libtorch's operations. */
at::Tensor bandOf(const ScaledImage& image, Size size, Span span, const Averaging& averaging) {
  const auto& [scaled, top, left, window, full, windows] = image;
  const auto& first = windows.at(0).logits;
  const auto softmax = averaging.softmax;
  const auto down = toImage(scaled.height, size.height, averaging), across = toImage(scaled.width, size.width, averaging);
  const Axis windowRows(first.size(2), full.height, averaging.alignCorners), windowColumns(first.size(3), full.width, averaging.alignCorners);
  int64_t begin = down.first[span.begin], end = 0;
  for (int64_t y = span.begin; y < span.end; y++) {
    begin = std::min(begin, down.first[y]);
    end = std::max(end, down.last(y) + 1);
  }
  // Of the padded image, in which the windows stand.
  auto sum = at::zeros({softmax == Softmax::image ? first.size(0) : 1, first.size(1), end - begin, scaled.width}, first.options());
  auto count = at::zeros({1, 1, end - begin, scaled.width}, first.options());
  for (const auto& one : windows) {
    const int64_t y0 = std::max(begin + top, one.top), y1 = std::min(end + top, one.top + window.height);
    const int64_t x0 = std::max(left, one.left), x1 = std::min(left + scaled.width, one.left + window.width);
    if (y0 >= y1 || x0 >= x1) continue;
    const auto rows = windowRows.part(y0 - one.top, y1 - one.top);
    auto views = enlarged(one.logits, rows, windowColumns.part(0, window.width));
    if (views.size(0) == 2) views = at::cat({views.narrow(0, 0, 1), at::flip(views.narrow(0, 1, 1), {3})});
    if (softmax == Softmax::view) views = at::softmax(views, 1).mean(0, true);
    if (softmax == Softmax::window) views = at::softmax(views.sum(0, true), 1);
    const auto on = [&](const at::Tensor& whole) { return whole.narrow(2, y0 - top - begin, y1 - y0).narrow(3, x0 - left, x1 - x0); };
    on(sum).add_(views.narrow(3, x0 - one.left, x1 - x0));
    on(count).add_(1);
  }
  const auto resized = along(along(sum.div_(count), 2, down, span, begin), 3, across, {0, size.width}, 0);
  return softmax == Softmax::image ? at::softmax(resized, 1).mean(0, true) : resized;
}

/** The same by libtorch's operations, wherever the logits are and in their precision, a band of rows at a time. */
at::Tensor byBands(const std::vector<ScaledImage>& scales, Size size, Span span, const Averaging& averaging, Answer answer) {
  std::vector<at::Tensor> bands;
  for (int64_t y = span.begin, count = rowsAtATime(scales[0].windows[0].logits.narrow(0, 0, 1), size.width); y < span.end; y += count) {
    const Span band{y, std::min(span.end, y + count)};
    at::Tensor total;
    for (const auto& scale : scales) {
      const auto one = bandOf(scale, size, band, averaging);
      total = total.defined() ? total.add_(one) : one;
    }
    if (answer == Answer::labels) bands.push_back(largestClass(total)[0].cpu());
    else bands.push_back(total[0].div(static_cast<double>(scales.size())).to(at::kFloat).cpu());
  }
  return at::cat(bands, answer == Answer::labels ? 0 : 1);
}

}  // namespace

at::Tensor averaged(const std::vector<ScaledImage>& scales, Size size, Span span, const Averaging& averaging, Answer answer) {
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
  return (kernel ? byKernel : byBands)(scales, size, span, averaging, answer);
}

// A promise of `averaged`, for rows [begin, end]. Each scale is given as [height, width, top, left, window height and width, enlarged height and width,
// windows, and top and left of each window], one after the other.
FUNCTION(averaged, "scales", "logits", "size", "rows", "alignCorners", "softmax", "smooth", "networkCorners", "labels") {
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
  const auto work = [scales = std::move(scales), size = Size{size[0], size[1]}, span = Span{rows[0], rows[1]},
                     averaging = Averaging{call.alignCorners(4), static_cast<Softmax>(call.integer(5, 0, 2)), call.boolean(6), call.boolean(7)},
                     answer = call.boolean(8) ? Answer::labels : Answer::probabilities] {
    c10::NoGradGuard noGrad;
    return averaged(scales, size, span, averaging, answer);
  };
  return computeLater(call, work);
}

}  // namespace binding
