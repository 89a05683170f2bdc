#include "bilinear.h"

#include <ATen/ops/aminmax.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/lerp.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/nan_to_num.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/upsample_bilinear2d.h>

#include <cmath>
#include <limits>
#include <map>

#include "enlargeMatrix.h"

namespace binding {

namespace {

/** Dimension `dim` of maps [n, c, h, w] along `axis`. */
at::Tensor along(const at::Tensor& maps, int64_t dim, const Axis& axis) {
  const auto below = at::tensor(axis.below, at::kLong).to(maps.device());
  const auto fraction = at::tensor(axis.fraction, at::kFloat).to(maps.device(), maps.scalar_type());
  const auto first = at::index_select(maps, dim, below);
  const auto second = at::index_select(maps, dim, below.add(1).clamp_max(axis.source - 1));
  return at::lerp(first, second, dim == 2 ? fraction.unsqueeze(1) : fraction);
}

}  // namespace

Taps::Taps(const Axis& axis) : source(axis.source), count(2), first(axis.below), weights(2 * axis.below.size()) {
  for (size_t i = 0; i < first.size(); i++) {
    weights[2 * i] = 1 - axis.fraction[i];
    weights[2 * i + 1] = axis.fraction[i];
  }
}

Taps Taps::smooth(int64_t source, int64_t target) {
  const double step = double(source) / double(target), reach = std::max(1.0, step);
  std::vector<std::map<int64_t, double>> places(target);
  Taps taps;
  taps.source = source;
  taps.count = 0;
  for (int64_t i = 0; i < target; i++) {
    auto& place = places[i];
    const double middle = (double(i) + 0.5) * step - 0.5;
    double sum = 0;
    for (auto j = int64_t(std::ceil(middle - reach)); double(j) <= middle + reach; j++) {
      const double weight = 1 - std::abs(double(j) - middle) / reach;
      if (weight <= 0) continue;
      const int64_t turn = ((j % (2 * source)) + 2 * source) % (2 * source);
      place[turn < source ? turn : 2 * source - 1 - turn] += weight;
      sum += weight;
    }
    for (auto& [at, weight] : place) weight /= sum;
    taps.first.push_back(place.begin()->first);
    taps.count = std::max(taps.count, place.rbegin()->first - place.begin()->first + 1);
  }
  taps.weights.assign(target * taps.count, 0.0f);
  for (int64_t i = 0; i < target; i++) {
    for (const auto& [at, weight] : places[i]) taps.weights[i * taps.count + at - taps.first[i]] = float(weight);
  }
  return taps;
}

int64_t Taps::last(int64_t i) const {
  int64_t tap = count - 1;
  while (tap > 0 && weights[i * count + tap] == 0) tap--;
  return first[i] + tap;
}

FOR_EACH_CPU
void blend(float* out, const float* a, const float* b, float fraction, int64_t count) {
#pragma omp simd
  for (int64_t i = 0; i < count; i++) out[i] = between(a[i], b[i], fraction);
}

LogitRows::LogitRows(const at::Tensor& logits)
    : classes(logits.size(1)),
      padded(paddedToLanes(classes)),
      n(logits.size(0)),
      h(logits.size(2)),
      w(logits.size(3)),
      source_(at::constant_pad_nd(logits.to(at::kFloat).permute({0, 2, 3, 1}), {0, padded - classes}, never).contiguous()) {}

bool LogitRows::moderate() const {
  if (source_.numel() == 0) return true;
  const auto [least, most] = at::aminmax(source_);
  return least.item<float>() >= never && most.item<float>() <= -never;
}

void LogitRows::between(float* row, int64_t image, int64_t below, float fraction) const {
  const int64_t wide = w * padded;
  const float* above = at(image, below, 0);
  blend(row, above, below + 1 < h ? above + wide : above, fraction, wide);
}

at::Tensor enlarged(const at::Tensor& maps, const Axis& rows, const Axis& columns) { return along(along(maps, 2, rows), 3, columns); }

at::Tensor resized(const at::Tensor& maps, at::IntArrayRef size, AlignCorners alignCorners) {
  if (alignCorners != AlignCorners::asymmetric) return at::upsample_bilinear2d(maps, size, alignCorners == AlignCorners::yes);
  TORCH_CHECK(maps.dim() == 4 && maps.is_floating_point(), "expected maps [n, c, h, w] of a float type, found ", maps.scalar_type(), maps.sizes());
  const auto rows = enlargeMatrix(size[0], maps.size(2), 1, alignCorners).to(maps.options());
  const auto columns = enlargeMatrix(size[1], maps.size(3), 1, alignCorners).to(maps.options());
  return at::matmul(at::matmul(rows, maps), columns.t());
}

int64_t rowsAtATime(const at::Tensor& maps, int64_t width) {
  constexpr int64_t most = int64_t{1} << 22;
  return std::max<int64_t>(1, most / std::max<int64_t>(1, maps.size(0) * maps.size(1) * width));
}

at::Tensor largestClass(const at::Tensor& maps) {
  constexpr double least = -std::numeric_limits<double>::infinity();
  return at::argmax(at::nan_to_num(maps, least, std::numeric_limits<double>::infinity(), least), 1).to(at::kByte);
}

void requireLogits(const at::Tensor& logits) {
  TORCH_CHECK(logits.dim() == 4 && logits.is_floating_point() && logits.size(1) > 0 && logits.size(2) > 0 && logits.size(3) > 0,
              "expected logits [n, c, h, w] of a float type, with classes and pixels, found ", logits.scalar_type(), logits.sizes());
}

}  // namespace binding
