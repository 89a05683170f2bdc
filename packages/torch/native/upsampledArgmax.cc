// The class of each pixel without enlarged logits. The pixels between four neighbouring places of the coarse grid, a cell, have few classes
// to choose from. Interpolation never leaves the span of its two ends, whatever is rounded: with 0 <= fraction < 1 and finite q - p,
// fraction (q - p) rounds to no more than the largest number below |q - p|, which is no more than the true distance, so that the sum,
// with or without a rounding in between, rounds to no more than q; and rounding is monotonic. That holds down, then across. So in its cell a
// class stays between the smallest and the largest of its corners, and one whose largest is below another's smallest is below that one
// at every pixel. What is left, often a single class, is compared by the same arithmetic as if all were.
#include "upsampledArgmax.h"

#include <ATen/ops/empty.h>

#include <cstring>
#include <vector>

#include "bilinear.h"
#include "parallel.h"

namespace binding {

namespace {

constexpr int64_t mostClasses = 256;
/** Rows of a cell that are looked at together. */
constexpr int64_t mostRows = 16;
/** Smaller cells are not worth the test. */
constexpr int64_t fewPixels = 16;

/** What lies between the same two columns of the source: its columns from `begin` to before `end`. */
struct Between {
  int64_t begin, end, left, right;
};

std::vector<Between> partsOf(const Axis& across, int64_t width) {
  std::vector<Between> parts;
  for (int64_t x = 0; x < width; x++) {
    const int64_t left = across.below[x];
    if (parts.empty() || parts.back().left != left) parts.push_back({x, x, left, std::min(left + 1, across.source - 1)});
    parts.back().end = x + 1;
  }
  return parts;
}

/** The classes at the corners of a cell. */
struct Corners {
  const float *topLeft, *topRight, *bottomLeft, *bottomRight;
};

/** Labels of pixels, and where these lie in their cells. */
struct Pixels {
  uint8_t* labels;
  int64_t stride;
  const float *down, *across;
  int64_t rows, columns;
};

/** The classes that may be best in a cell, ascending; returns how many. */
FOR_EACH_CPU
int64_t contenders(uint8_t* ids, const Corners& corners, int64_t padded) {
  const auto [a, b, c, d] = corners;
  float largest[mostClasses], bound = never;
#pragma omp simd reduction(max : bound)
  for (int64_t i = 0; i < padded; i++) {
    largest[i] = std::max(std::max(a[i], b[i]), std::max(c[i], d[i]));
    bound = std::max(bound, std::min(std::min(a[i], b[i]), std::min(c[i], d[i])));
  }
  int64_t count = 0;
  for (int64_t first = 0; first < padded; first += lanes) {
    int32_t any = 0;
#pragma omp simd reduction(| : any)
    for (int64_t i = 0; i < lanes; i++) any |= largest[first + i] >= bound;
    if (any == 0) continue;
    for (int64_t i = first; i < first + lanes; i++) {
      if (largest[i] >= bound) ids[count++] = uint8_t(i);
    }
  }
  return count;
}

/** Labels a cell with the best of `count` classes, the first of those alike: with each of them several pixels at once. */
FOR_EACH_CPU
void labelWithBest(const Pixels& cell, const Corners& corners, const uint8_t* ids, int64_t count) {
  constexpr int64_t atOnce = 8;
  float left[mostClasses], right[mostClasses];
  for (int64_t y = 0; y < cell.rows; y++) {
    for (int64_t i = 0; i < count; i++) {
      left[i] = between(corners.topLeft[ids[i]], corners.bottomLeft[ids[i]], cell.down[y]);
      right[i] = between(corners.topRight[ids[i]], corners.bottomRight[ids[i]], cell.down[y]);
    }
    for (int64_t x = 0; x < cell.columns; x += atOnce) {
      const int64_t width = std::min(atOnce, cell.columns - x);
      float fraction[atOnce] = {}, top[atOnce];
      int32_t label[atOnce];
      std::copy_n(cell.across + x, width, fraction);
      std::fill_n(top, atOnce, never);
      std::fill_n(label, atOnce, ids[0]);
      for (int64_t i = 0; i < count; i++) {
#pragma omp simd
        for (int64_t j = 0; j < atOnce; j++) {
          const float z = between(left[i], right[i], fraction[j]);
          label[j] = z > top[j] ? ids[i] : label[j];
          top[j] = std::max(top[j], z);
        }
      }
      std::copy_n(label, width, cell.labels + y * cell.stride + x);
    }
  }
}

/** Labels pixels between the same two rows of an image's logits, cell by cell. */
void labelCells(const Pixels& rows, const LogitRows& source, int64_t image, int64_t above, const std::vector<Between>& parts) {
  const int64_t under = std::min(above + 1, source.h - 1);
  const auto at = [&](int64_t y, int64_t x) { return source.at(image, y, x); };
  uint8_t ids[mostClasses];
  for (const auto& [begin, end, left, right] : parts) {
    const Pixels cell{rows.labels + begin, rows.stride, rows.down, rows.across + begin, rows.rows, end - begin};
    const Corners corners{at(above, left), at(above, right), at(under, left), at(under, right)};
    const int64_t count = contenders(ids, corners, source.padded);
    if (count > 1) labelWithBest(cell, corners, ids, count);
    else for (int64_t y = 0; y < cell.rows; y++) std::memset(cell.labels + y * cell.stride, ids[0], cell.columns);
  }
}

void byCells(uint8_t* labels, const LogitRows& source, const Axis& down, const Axis& across, at::IntArrayRef crop) {
  const int64_t height = crop[0], width = crop[1];
  const auto parts = partsOf(across, width);
  parallelFor(source.n * height, 8, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin, rows; task < end; task += rows) {
      const int64_t image = task / height, y = task % height, most = std::min({mostRows, end - task, height - y});
      for (rows = 1; rows < most && down.below[y + rows] == down.below[y];) rows++;
      labelCells({labels + task * width, width, &down.fraction[y], across.fraction.data(), rows, width}, source, image, down.below[y], parts);
    }
  });
}

/** The best class between the columns p and q. `z` is scratch. */
FOR_EACH_CPU
uint8_t best(const float* p, const float* q, float* z, float fraction, int64_t padded, int64_t classes) {
  const float top = between(z, p, q, fraction, padded);
  return firstOf(z, top, padded, classes);
}

void byPixels(uint8_t* labels, const LogitRows& source, const Axis& down, const Axis& across, at::IntArrayRef crop) {
  parallelFor(source.n * crop[0], 8, [&](int64_t begin, int64_t end) {
    auto row = source.room();
    std::vector<float> z(source.padded);
    for (int64_t task = begin; task < end; task++) {
      const int64_t image = task / crop[0], y = task % crop[0];
      source.between(row.data(), image, down.below[y], down.fraction[y]);
      for (int64_t x = 0; x < crop[1]; x++) {
        const float* left = &row[across.below[x] * source.padded];
        labels[task * crop[1] + x] = best(left, left + source.padded, z.data(), across.fraction[x], source.padded, source.classes);
      }
    }
  });
}

at::Tensor byKernel(const at::Tensor& logits, at::IntArrayRef size, at::IntArrayRef crop, AlignCorners alignCorners) {
  const LogitRows source(logits);
  const auto labels = at::empty({source.n, crop[0], crop[1]}, at::kByte);
  const Axis down(source.h, size[0], alignCorners), across(source.w, size[1], alignCorners);
  const bool inCells = size[0] * size[1] >= fewPixels * source.h * source.w && source.moderate();
  (inCells ? byCells : byPixels)(labels.mutable_data_ptr<uint8_t>(), source, down, across, crop);
  return labels;
}

/** The same by libtorch's operations, wherever the logits are and in float64 too, a band of rows at a time. */
at::Tensor byBands(const at::Tensor& logits, at::IntArrayRef size, at::IntArrayRef crop, AlignCorners alignCorners) {
  const auto source = logits.scalar_type() == at::kDouble ? logits : logits.to(at::kFloat);
  const auto labels = at::empty({source.size(0), crop[0], crop[1]}, source.options().dtype(at::kByte));
  const Axis down(source.size(2), size[0], alignCorners);
  const Axis across = Axis(source.size(3), size[1], alignCorners).part(0, crop[1]);
  for (int64_t y = 0, count = rowsAtATime(source, crop[1]); y < crop[0]; y += count) {
    const int64_t end = std::min(crop[0], y + count);
    labels.narrow(1, y, end - y).copy_(largestClass(enlarged(source, down.part(y, end), across)));
  }
  return labels;
}

}  // namespace

at::Tensor upsampledArgmax(const at::Tensor& logits, at::IntArrayRef size, at::IntArrayRef crop, AlignCorners alignCorners) {
  requireLogits(logits);
  TORCH_CHECK(logits.size(1) <= mostClasses, "expected logits [n, c, h, w] of at most 256 classes, found ", logits.sizes());
  TORCH_CHECK(crop[0] <= size[0] && crop[1] <= size[1], "expected a crop within ", size, ", found ", crop);
  const bool kernel = logits.is_cpu() && logits.scalar_type() != at::kDouble;
  return (kernel ? byKernel : byBands)(logits, size, crop, alignCorners);
}

}  // namespace binding
