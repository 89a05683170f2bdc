// Products of bfloat16 are summed two at a time, here those of two pixels one above the other: pairs of rows of inputs and gradients are written
// as rows of words, and a place of the filters is then a product of two matrices. Where a place is an odd number of rows off, its words are of
// other pairs of rows, which are written too.
#include "filterGradient.h"

#include <ATen/Version.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <vector>

#include "call.h"
#include "filterGradientKernels.h"
#include "parallel.h"
#include "processor.h"

namespace binding {

namespace {

/** Or nullptr: of the instructions that libtorch and oneDNN may use. */
const FilterGradientKernels* kernels() {
#ifdef WINOGRAD_KERNELS
  static const bool usable = at::get_cpu_capability().starts_with("AVX512") && oneDnnUsesBfloat16Instructions();
  if (usable) return &avx512Bfloat16FilterGradientKernels;
#endif
  return nullptr;
}

int64_t floorHalf(int64_t x) { return x >> 1; }
int64_t ceilHalf(int64_t x) { return (x + 1) >> 1; }

/** Rows of pixels: those of images or, where filters have no neighbours, of all pixels as many as are convenient, two rows an image. */
struct Grid {
  int64_t images, height, width, pixels;

  Grid(const at::Tensor& x, int64_t side) : images(x.size(0)), height(x.size(2)), width(x.size(3)), pixels(x.numel() / x.size(1)) {
    constexpr int64_t convenient = 96;
    if (side > 1) return;
    width = std::min(convenient, ceilHalf(pixels));
    height = 2;
    images = (pixels + 2 * width - 1) / (2 * width);
  }

  /** Pairs of an image's rows. */
  int64_t pairs() const { return ceilHalf(height); }
  /** Pixels of a row: none of one that is not of the image, and fewer at the end of all. */
  int64_t length(int64_t image, int64_t row) const {
    return row < 0 || row >= height ? 0 : std::clamp<int64_t>(pixels - (image * height + row) * width, 0, width);
  }
};

/** Pairs of rows of some images as words, `[block][image][pair][pixel][channelBlock]`. */
class PairedRows {
 public:
  const int64_t blocks;

  /** Of x, channels-last: as many images at a time. The first pair begins `before` rows before its image: 0 or 1. */
  PairedRows(const at::Tensor& x, const Grid& grid, int64_t together, int64_t before)
      : blocks(blocksOf(x.size(1))),
        x_(x),
        grid_(grid),
        together_(together),
        before_(before),
        pairs_(ceilHalf(grid.height + before)),
        words_(at::empty({blocks * together * pairs_ * step()}, at::TensorOptions(at::kFloat))),
        to_(words_.mutable_data_ptr<float>()) {}

  void write(int64_t first, int64_t end) {
    first_ = first;
    const int64_t channels = x_.size(1), blockStep = together_ * pairs_ * step();
    const auto* from = static_cast<const uint16_t*>(x_.const_data_ptr());
    parallelFor((end - first) * pairs_, 1, [&](int64_t begin, int64_t end) {
      for (int64_t pair = begin; pair < end; pair++) {
        const int64_t image = first_ + pair / pairs_, row = 2 * (pair % pairs_) - before_;
        const auto rowAt = [&](int64_t row) {
          return PixelRow{from + (image * grid_.height + row) * grid_.width * channels, grid_.length(image, row)};
        };
        kernels()->pairRows(rowAt(row), rowAt(row + 1), grid_.width, channels, to_ + pair * step(), blockStep);
      }
    });
  }

  /** Words from one pair of rows to the next. */
  int64_t step() const { return grid_.width * channelBlock; }
  const float* at(int64_t block, int64_t image, int64_t pair, int64_t pixel) const {
    return to_ + ((block * together_ + image - first_) * pairs_ + pair) * step() + pixel * channelBlock;
  }

 private:
  const at::Tensor& x_;
  const Grid& grid_;
  const int64_t together_, before_, pairs_;
  const at::Tensor words_;
  float* const to_;
  int64_t first_ = 0;
};

/** Where a place of the filters finds a gradient's inputs, and the gradient's pairs of rows and the pixels that have some. */
struct Tap {
  int64_t before, down, right, pair, pairEnd, pixel, pixelEnd;

  Tap(const FilterGradientShape& shape, const Grid& grid, int64_t index) {
    const auto offset = [&](int64_t place) { return (place - shape.side / 2) * shape.dilation; };
    const int64_t rows = offset(index / shape.side);
    right = offset(index % shape.side);
    before = rows & 1;
    down = floorHalf(rows + before);
    pair = std::max<int64_t>(0, floorHalf(-rows));
    pairEnd = std::min(grid.pairs(), floorHalf(grid.height - 1 - rows) + 1);
    pixel = std::max<int64_t>(0, -right);
    pixelEnd = std::min(grid.width, grid.width - right);
  }
};

/** Some of an image's pairs of rows, whose words, of a block of each, stay in the first level of cache. */
struct Stretch {
  int64_t image, pair, pairEnd;

  static std::vector<Stretch> all(const Grid& grid) {
    constexpr int64_t mostWords = 96;
    const int64_t most = std::max<int64_t>(1, mostWords / grid.width);
    std::vector<Stretch> stretches;
    for (int64_t image = 0; image < grid.images; image++) {
      for (int64_t pair = 0; pair < grid.pairs(); pair += most) stretches.push_back({image, pair, std::min(grid.pairs(), pair + most)});
    }
    return stretches;
  }
};

constexpr int64_t blockSums = channelBlock * channelBlock;

/** Sums `[input block][output block][place][output][input]` as filters that lie as `weight` does. */
at::Tensor filtersOf(const at::Tensor& sums, const FilterGradientShape& shape, const at::Tensor& weight) {
  const int64_t places = shape.side * shape.side, inputBlocks = sums.size(0), outputBlocks = sums.size(1);
  const float* const from = sums.const_data_ptr<float>();
  auto filters = at::empty_like(weight, weight.options().dtype(at::kFloat));
  float* const to = filters.mutable_data_ptr<float>();
  const int64_t ofOutput = filters.stride(0), ofInput = filters.stride(1), ofRow = filters.stride(2), ofColumn = filters.stride(3);
  parallelFor(shape.outputs, 1, [&](int64_t begin, int64_t end) {
    for (int64_t output = begin; output < end; output++) {
      for (int64_t block = 0; block < inputBlocks; block++) {
        const int64_t channel = block * channelBlock, count = std::min(channelBlock, shape.inputs - channel);
        for (int64_t i = 0; i < places; i++) {
          const int64_t ofBlocks = ((block * outputBlocks + output / channelBlock) * places + i) * blockSums;
          const float* values = from + ofBlocks + output % channelBlock * channelBlock;
          float* target = to + output * ofOutput + channel * ofInput + i / shape.side * ofRow + i % shape.side * ofColumn;
          for (int64_t c = 0; c < count; c++) target[c * ofInput] = values[c];
        }
      }
    }
  });
  return filters;
}

}  // namespace

std::optional<FilterGradientShape> filterGradientShape(at::ScalarType dtype, at::IntArrayRef weightSize, at::IntArrayRef stride, at::IntArrayRef padding,
                                                       at::IntArrayRef dilation, int64_t groups) {
  constexpr int64_t fewestChannels = 32;
  const int64_t outputs = weightSize[0], inputs = weightSize[1], side = weightSize[2];
  const bool even = stride[0] == 1 && stride[1] == 1 && dilation[0] == dilation[1] && side == weightSize[3] && side % 2 == 1;
  const int64_t wanted = side / 2 * dilation[0];
  if (dtype != at::kBFloat16 || kernels() == nullptr || groups != 1 || !even || padding[0] != wanted || padding[1] != wanted) return std::nullopt;
  if (std::min(inputs, outputs) < fewestChannels) return std::nullopt;
  return FilterGradientShape{inputs, outputs, side, dilation[0]};
}

at::Tensor filterGradient(const at::Tensor& x, const at::Tensor& gradient, const FilterGradientShape& shape, const at::Tensor& weight) {
  // Blocks of inputs that a block of gradients is read once for, and stretches whose words of so many stay in the second level of cache.
  constexpr int64_t blocksTogether = 4, stretchesTogether = 6;
  const Grid grid(x, shape.side);
  const auto inputs = x.contiguous(at::MemoryFormat::ChannelsLast), gradients = gradient.contiguous(at::MemoryFormat::ChannelsLast);
  const int64_t places = shape.side * shape.side;
  std::vector<Tap> taps;
  for (int64_t i = 0; i < places; i++) taps.emplace_back(shape, grid, i);
  const auto stretches = Stretch::all(grid);
  const int64_t all = static_cast<int64_t>(stretches.size());
  // Without neighbours rows are written where they are needed: once.
  const int64_t section = shape.side == 1 ? std::min(all, stretchesTogether) : all;
  const int64_t together = shape.side == 1 ? section : grid.images;
  PairedRows changes(gradients, grid, together, 0), even(inputs, grid, together, 0);
  std::optional<PairedRows> odd;
  if (std::any_of(taps.begin(), taps.end(), [](const Tap& tap) { return tap.before == 1; })) odd.emplace(inputs, grid, together, 1);

  const int64_t inputBlocks = even.blocks, outputBlocks = changes.blocks;
  auto sums = at::zeros({inputBlocks, outputBlocks, places, blockSums}, at::TensorOptions(at::kFloat));
  float* const to = sums.mutable_data_ptr<float>();
  const auto add = [&](const Stretch& stretch, int64_t input, int64_t output) {
    for (int64_t i = 0; i < places; i++) {
      const auto& tap = taps[i];
      const int64_t pair = std::max(stretch.pair, tap.pair), pairEnd = std::min(stretch.pairEnd, tap.pairEnd);
      if (pair >= pairEnd || tap.pixel >= tap.pixelEnd) continue;
      const auto& from = tap.before == 1 ? *odd : even;
      kernels()->correlate(changes.at(output, stretch.image, pair, tap.pixel), from.at(input, stretch.image, pair + tap.down, tap.pixel + tap.right),
                           {pairEnd - pair, tap.pixelEnd - tap.pixel, changes.step(), from.step()},
                           std::min(channelBlock, shape.outputs - output * channelBlock), to + ((input * outputBlocks + output) * places + i) * blockSums);
    }
  };
  const int64_t inputParts = (inputBlocks + blocksTogether - 1) / blocksTogether;
  for (int64_t sectionBegin = 0; sectionBegin < all; sectionBegin += section) {
    const int64_t sectionEnd = std::min(all, sectionBegin + section), image = stretches[sectionBegin].image, imageEnd = stretches[sectionEnd - 1].image + 1;
    changes.write(image, imageEnd);
    even.write(image, imageEnd);
    if (odd) odd->write(image, imageEnd);
    parallelFor(inputParts * outputBlocks, 1, [&](int64_t task, int64_t taskEnd) {
      while (task < taskEnd) {
        // As many blocks of outputs as this thread has of the part.
        const int64_t part = task / outputBlocks, output = task % outputBlocks, outputEnd = std::min(outputBlocks, output + taskEnd - task);
        const int64_t inputBegin = part * blocksTogether, inputEnd = std::min(inputBlocks, inputBegin + blocksTogether);
        for (int64_t first = sectionBegin; first < sectionEnd; first += stretchesTogether) {
          for (int64_t o = output; o < outputEnd; o++) {
            for (int64_t input = inputBegin; input < inputEnd; input++) {
              for (int64_t s = first; s < std::min(sectionEnd, first + stretchesTogether); s++) add(stretches[s], input, o);
            }
          }
        }
        task += outputEnd - output;
      }
    });
  }

  return filtersOf(sums, shape, weight);
}

// For tests: in float32, from inputs and the gradient of outputs in bfloat16, or undefined where that isn't computed here.
FUNCTION(bfloat16FilterGradient, "self", "weight", "gradient", "dilation") {
  const auto x = call.tensor(0), weight = call.tensor(1), gradient = call.tensor(2);
  TORCH_CHECK(x.dim() == 4 && weight.dim() == 4 && gradient.scalar_type() == x.scalar_type(), "expected [n, c, h, w], found ", x.sizes(), " and ",
              weight.sizes());
  const int64_t dilation = call.integer(3, 1), padding = weight.size(2) / 2 * dilation;
  const std::vector<int64_t> ones{1, 1}, dilations{dilation, dilation}, paddings{padding, padding};
  const auto shape = filterGradientShape(x.scalar_type(), weight.sizes(), ones, paddings, dilations, 1);
  return shape ? call.result(filterGradient(x, gradient, *shape, weight)) : call.undefined();
}

}  // namespace binding
