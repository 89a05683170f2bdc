#include "bytesToFeatures.h"

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/upsample_bilinear2d.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include "call.h"
#include "computeThread.h"

namespace binding {

namespace {

template <typename T>
void fill(const at::Tensor& bytes, const at::Tensor& table, const at::Tensor& features, bool reversed) {
  const int64_t h = bytes.size(1), width = bytes.size(2) * bytes.size(3), c = bytes.size(3);
  const int64_t fullHeight = features.size(1), fullWidth = features.size(2) * c;
  const auto* source = bytes.const_data_ptr<uint8_t>();
  const auto* values = table.const_data_ptr<float>();
  auto* target = features.mutable_data_ptr<T>();
  at::parallel_for(0, bytes.size(0) * h, 16, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      const uint8_t* from = source + row * width;
      T* to = target + (row / h * fullHeight + row % h) * fullWidth;
      for (int64_t i = 0; i < width; i++) {
        const int64_t channel = i % c;
        to[reversed ? i - 2 * channel + c - 1 : i] = static_cast<T>(values[channel * 256 + from[i]]);
      }
    }
  });
}

}  // namespace

at::Tensor bytesToFeatures(const at::Tensor& bytes, const at::Tensor& table, at::IntArrayRef size, at::ScalarType dtype, bool reversed) {
  TORCH_CHECK(bytes.dim() == 4 && bytes.scalar_type() == at::kByte, "expected bytes [n, h, w, c], found ", bytes.scalar_type(), bytes.sizes());
  TORCH_CHECK(bytes.size(1) <= size[0] && bytes.size(2) <= size[1], "expected a size from ", bytes.sizes().slice(1, 2), " up, found ", size);
  TORCH_CHECK(table.dim() == 2 && table.size(0) == bytes.size(3) && table.size(1) == 256, "expected a table [c, 256], found ", table.sizes());
  const auto features = at::zeros({bytes.size(0), size[0], size[1], bytes.size(3)}, dtype);
  const auto from = bytes.contiguous(), values = table.to(at::kFloat).contiguous();
  AT_DISPATCH_SWITCH(dtype, "bytesToFeatures",
                     AT_DISPATCH_CASE(at::kFloat, [&] { fill<scalar_t>(from, values, features, reversed); })
                         AT_DISPATCH_CASE(at::kBFloat16, [&] { fill<scalar_t>(from, values, features, reversed); })
                             AT_DISPATCH_CASE(at::kHalf, [&] { fill<scalar_t>(from, values, features, reversed); }));
  return features.permute({0, 3, 1, 2});
}

// A promise of the network's input for photographs, bytes [n, h, w, 3], at another size and then padded with 0.
FUNCTION(scaledFeatures, "bytes", "table", "reversed", "size", "padding") {
  const auto work = [bytes = call.tensor(0), table = call.tensor(1), reversed = call.boolean(2), size = call.integers(3),
                     padding = call.integers(4)] {
    c10::NoGradGuard noGrad;
    const auto own = bytes.sizes().slice(1, 2);
    const auto features = bytesToFeatures(bytes, table, own, at::kFloat, reversed);
    return at::constant_pad_nd(own.equals(size) ? features : at::upsample_bilinear2d(features, size, /*align_corners=*/false), padding);
  };
  return computeLater(call, work);
}

}  // namespace binding
