#include "bytesToFeatures.h"

#include <ATen/Dispatch.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <vector>

#include "bilinear.h"
#include "parallel.h"

namespace binding {

namespace {

/** One row of what is looked at, from column `begin` to before `end`: the values between two rows of bytes, [columns, c]. */
void blendedRow(float* to, const uint8_t* above, const uint8_t* below, float down, const Axis& across, const float* table, bool reversed,
                int64_t channels, int64_t begin, int64_t end, int64_t shift) {
  for (int64_t x = begin; x < end; x++) {
    const int64_t left = across.below[x + shift] * channels;
    const float fraction = across.fraction[x + shift];
    const int64_t right = fraction > 0 ? left + channels : left;
    for (int64_t k = 0; k < channels; k++) {
      const float* values = table + 256 * k;
      const float upper = values[above[left + k]] + fraction * (values[above[right + k]] - values[above[left + k]]);
      const float lower = values[below[left + k]] + fraction * (values[below[right + k]] - values[below[left + k]]);
      to[x * channels + (reversed ? channels - 1 - k : k)] = upper + down * (lower - upper);
    }
  }
}

template <typename T>
void fill(const at::Tensor& bytes, const at::Tensor& table, const at::Tensor& features, bool reversed, const Look& look) {
  const int64_t n = bytes.size(0), h = bytes.size(1), w = bytes.size(2), c = bytes.size(3);
  const int64_t height = features.size(1), width = features.size(2), views = look.flip ? 2 : 1;
  const Axis down(h, look.height, AlignCorners::no), across(w, look.width, AlignCorners::no);
  const int64_t begin = std::max<int64_t>(0, -look.left), end = std::min(look.columns, look.width - look.left);
  const auto* source = bytes.const_data_ptr<uint8_t>();
  const auto* values = table.const_data_ptr<float>();
  auto* target = features.mutable_data_ptr<T>();
  parallelFor(n * look.rows, 16, [&](int64_t first, int64_t last) {
    std::vector<float> row(look.columns * c);
    for (int64_t task = first; task < last; task++) {
      const int64_t image = task / look.rows, y = task % look.rows, inside = y + look.top;
      if (inside < 0 || inside >= look.height) continue;
      const float fraction = down.fraction[inside];
      const uint8_t* above = source + (image * h + down.below[inside]) * w * c;
      blendedRow(row.data(), above, fraction > 0 ? above + w * c : above, fraction, across, values, reversed, c, begin, end, look.left);
      T* to = target + (image * views * height + y) * width * c;
      T* mirrored = to + height * width * c;
      for (int64_t x = begin; x < end; x++) {
        for (int64_t k = 0; k < c; k++) {
          const T value = static_cast<T>(row[x * c + k]);
          to[x * c + k] = value;
          if (look.flip) mirrored[(look.columns - 1 - x) * c + k] = value;
        }
      }
    }
  });
}

}  // namespace

at::Tensor bytesToFeatures(const at::Tensor& bytes, const ByteInput& input, at::ArrayRef<Look> looks, at::IntArrayRef size, at::ScalarType dtype) {
  const auto& look = looks.front();
  TORCH_CHECK(bytes.dim() == 4 && bytes.scalar_type() == at::kByte && bytes.is_cpu() && bytes.numel() > 0, "expected bytes [n, h, w, c], found ",
              bytes.scalar_type(), bytes.sizes());
  TORCH_CHECK(look.height > 0 && look.width > 0 && look.rows > 0 && look.columns > 0, "expected sides from 1 up");
  TORCH_CHECK(look.rows <= size[0] && look.columns <= size[1], "expected a size from ", look.rows, "x", look.columns, " up, found ", size);
  const auto& table = input.table;
  TORCH_CHECK(table.dim() == 2 && table.size(0) == bytes.size(3) && table.size(1) == 256 && table.is_cpu(), "expected a table [c, 256], found ", table.sizes());
  const int64_t views = bytes.size(0) * (look.flip ? 2 : 1), count = static_cast<int64_t>(looks.size());
  const auto features = at::zeros({count * views, size[0], size[1], bytes.size(3)}, dtype);
  const auto from = bytes.contiguous(), values = table.to(at::kFloat).contiguous();
  for (int64_t i = 0; i < count; i++) {
    const auto part = features.narrow(0, i * views, views);
    AT_DISPATCH_SWITCH(dtype, "bytesToFeatures",
                       AT_DISPATCH_CASE(at::kFloat, [&] { fill<scalar_t>(from, values, part, input.reversed, looks[i]); })
                           AT_DISPATCH_CASE(at::kBFloat16, [&] { fill<scalar_t>(from, values, part, input.reversed, looks[i]); })
                               AT_DISPATCH_CASE(at::kHalf, [&] { fill<scalar_t>(from, values, part, input.reversed, looks[i]); }));
  }
  return features.permute({0, 3, 1, 2});
}

}  // namespace binding
