#include "winograd.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "call.h"
#include "parallel.h"
#include "processor.h"
#include "winogradKernels.h"

namespace binding {

namespace {

/** Of this type, or nullptr: of the instructions that libtorch and oneDNN may use. */
const WinogradKernels* kernelsOf(at::ScalarType dtype) {
#ifdef WINOGRAD_KERNELS
  static const auto capability = at::get_cpu_capability();
  if (dtype == at::kFloat) return capability.starts_with("AVX512") ? &avx512WinogradKernels : capability.starts_with("AVX2") ? &avx2WinogradKernels : nullptr;
  if (dtype == at::kBFloat16 && capability.starts_with("AVX512") && oneDnnUsesBfloat16Instructions()) return &avx512Bfloat16WinogradKernels;
#endif
  return nullptr;
}

int64_t ceilDivide(int64_t x, int64_t y) { return (x + y - 1) / y; }

TileLine lineOf(int64_t size, int64_t dilation, int64_t side) {
  const int64_t pixels = size / dilation;
  return {dilation, size % dilation, ceilDivide(pixels + 1, side), ceilDivide(pixels, side)};
}

TileGrid gridOf(at::IntArrayRef size, const WinogradShape& shape) {
  const int64_t height = size[2], width = size[3], dilation = shape.dilation, side = kernelsOf(shape.dtype)->tileSide;
  return {size[0], height, width, dilation, lineOf(height, dilation, side), lineOf(width, dilation, side)};
}

/** Consecutive parts of 0..size that differ by one at most. */
struct Parts {
  int64_t size, count;

  int64_t begin(int64_t part) const { return size * part / count; }
  int64_t length(int64_t part) const { return begin(part + 1) - begin(part); }
};

/** Tiles `first` to `first + tiles`, in groups that lie together. */
struct Section {
  int64_t frequencies, first;
  Parts groups;

  Section(const WinogradKernels& kernels, int64_t first, int64_t tiles)
      : frequencies(kernels.frequencies()), first(first), groups{tiles, ceilDivide(tiles, kernels.mostTiles)} {}

  /** Where a group's transformed values begin. */
  int64_t offset(int64_t group, int64_t blocks) const { return frequencies * (blocks * channelBlock * groups.begin(group) + group * frequencyGap); }
  int64_t words(int64_t blocks) const { return offset(groups.count, blocks); }
};

/**
 * All tiles, in sections whose transformed values, of `blocks` blocks, are about as large as filters of as many outputs, which each section
 * reads once: but at most 34 MB, and enough for all threads and to be worth their meeting.
 */
Parts sectionsOf(const WinogradKernels& kernels, const TileGrid& grid, int64_t blocks, int64_t outputs) {
  constexpr int64_t leastWords = (int64_t{1} << 20) / sizeof(float), mostWords = (int64_t{34} << 20) / sizeof(float);
  const int64_t tiles = grid.tiles(), tileWords = kernels.frequencies() * channelBlock * blocks;
  const int64_t fewest = std::max<int64_t>({128, 32 * at::get_num_threads(), leastWords / tileWords});
  const int64_t most = std::max(fewest, std::min(outputs, mostWords / tileWords));
  return {tiles, ceilDivide(tiles, most)};
}

at::Tensor words(int64_t count) { return at::empty({count}, at::TensorOptions(at::kFloat)); }

at::Tensor channelsLast(const at::Tensor& x) { return x.contiguous(at::MemoryFormat::ChannelsLast); }

using TransformTiles = void (*)(const TileGrid&, const void*, int64_t, int64_t, int64_t, int64_t, float*);

void transformSection(TransformTiles transform, const TileGrid& grid, const at::Tensor& pixels, const Section& section, int64_t blocks, float* to) {
  const int64_t channels = pixels.size(1);
  parallelFor(section.groups.count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t group = begin; group < end; group++) {
      const int64_t tiles = section.groups.length(group);
      transform(grid, pixels.const_data_ptr(), channels, section.first + section.groups.begin(group), tiles, tiles, to + section.offset(group, blocks));
    }
  });
}

/** How a section's products are shared out: a task is one part of the groups and one of the blocks of outputs. */
struct Tasks {
  Parts groups, blocks;

  Tasks(const Section& section, int64_t words, int64_t outputBlocks, int64_t threads)
      : groups{section.groups.count, 1}, blocks{outputBlocks, ceilDivide(outputBlocks, 4)} {
    // What is read again and again stays in the second level of cache: products of few inputs, the values of many.
    const int64_t most = words >= 256 ? 128 : 56;
    groups.count = ceilDivide(section.groups.size, most);
    while (blocks.count < outputBlocks && groups.count * blocks.count < threads) blocks.count++;
    const int64_t whole = threads / std::gcd(threads, blocks.count);
    groups.count = std::min(ceilDivide(groups.count, whole) * whole, groups.size);
  }

  int64_t count() const { return groups.count * blocks.count; }
  /** Words of a task's products. */
  int64_t words(const WinogradKernels& kernels) const {
    return ceilDivide(blocks.size, blocks.count) * kernels.frequencies() * frequencyStep(ceilDivide(groups.size, groups.count) * kernels.mostTiles, 1);
  }
};

struct Product {
  const WinogradKernels& kernels;
  const TileGrid& grid;
  const at::Tensor& filters;
  const Epilogue& epilogue;
  /** Of the inputs. */
  int64_t words;
  int64_t outputs;
  void* to;
};

void multiplyPart(const Product& product, const Section& section, const float* values, const Tasks& tasks, int64_t task, float* products) {
  const auto& [kernels, grid, filters, epilogue, words, outputs, to] = product;
  const int64_t frequencies = kernels.frequencies();
  const auto& groups = section.groups;
  const int64_t groupPart = task % tasks.groups.count, blockPart = task / tasks.groups.count;
  const int64_t group = tasks.groups.begin(groupPart), groupEnd = tasks.groups.begin(groupPart + 1);
  const int64_t block = tasks.blocks.begin(blockPart), blockEnd = tasks.blocks.begin(blockPart + 1);
  const int64_t first = groups.begin(group), tiles = groups.begin(groupEnd) - first;
  const int64_t inputBlocks = blocksOf(words), step = frequencyStep(tiles, 1);
  for (int64_t f = 0; f < frequencies; f++) {
    for (int64_t o = block; o < blockEnd; o++) {
      const float* filter = filters.const_data_ptr<float>() + (o * frequencies + f) * frequencyStep(words, 1);
      float* result = products + ((o - block) * frequencies + f) * step;
      for (int64_t g = group; g < groupEnd; g++) {
        const int64_t length = groups.length(g);
        kernels.multiply(values + section.offset(g, inputBlocks) + f * frequencyStep(length, inputBlocks), length, filter, words,
                         result + (groups.begin(g) - first) * channelBlock);
      }
    }
  }
  for (int64_t o = block; o < blockEnd; o++) {
    const int64_t channel = o * channelBlock;
    kernels.transformOutputs(grid, products + (o - block) * frequencies * step, section.first + first, tiles, epilogue, to, outputs, channel,
                             std::min(channelBlock, outputs - channel));
  }
}

/** How a convolution goes about it, and the words that it takes. */
struct Schedule {
  const WinogradKernels& kernels;
  TileGrid grid;
  /** Of the inputs. */
  int64_t words;
  int64_t outputBlocks;
  int64_t threads = at::get_num_threads();
  Parts sections;
  /** Of a section's transformed values, and of a thread's products. */
  int64_t values = 0, products = 0;

  Schedule(at::IntArrayRef inputSize, const WinogradShape& shape)
      : kernels(*kernelsOf(shape.dtype)),
        grid(gridOf(inputSize, shape)),
        words(wordsOf(shape.inputs, kernels.wordInputs)),
        outputBlocks(blocksOf(shape.outputs)),
        sections(sectionsOf(kernels, grid, blocksOf(words), shape.outputs)) {
    for (int64_t i = 0; i < sections.count; i++) {
      values = std::max(values, section(i).words(blocksOf(words)));
      products = std::max(products, tasks(section(i)).words(kernels));
    }
  }

  Section section(int64_t i) const { return {kernels, sections.begin(i), sections.length(i)}; }
  Tasks tasks(const Section& section) const { return {section, words, outputBlocks, threads}; }
};

const void* dataOf(const at::Tensor& tensor) { return tensor.defined() ? tensor.const_data_ptr() : nullptr; }

}  // namespace

std::optional<WinogradShape> winogradShape(at::ScalarType dtype, at::IntArrayRef weightSize, at::IntArrayRef stride, at::IntArrayRef padding,
                                           at::IntArrayRef dilation, int64_t groups) {
  constexpr int64_t fewestChannels = 32;
  const int64_t outputs = weightSize[0], inputs = weightSize[1];
  const bool form = weightSize[2] == 3 && weightSize[3] == 3 && stride[0] == 1 && stride[1] == 1 && padding == dilation && dilation[0] == dilation[1];
  if (kernelsOf(dtype) == nullptr || groups != 1 || !form || std::min(inputs, outputs) < fewestChannels) return std::nullopt;
  return WinogradShape{dtype, inputs, outputs, dilation[0]};
}

// Measured with AVX-512 and AVX2: transforms take as long as so many multiplications in float32 for each value of a frequency, those of
// filters for each of theirs. Products of few channels are a little slower than oneDNN's, which leaves out rows beyond the border.
bool winogradMultipliesLess(at::IntArrayRef inputSize, const WinogradShape& shape, const WinogradCosts& costs) {
  constexpr double tileCost = 20, worthwhile = 0.8;
  const auto [dtype, inputs, outputs, dilation] = shape;
  const auto& kernels = *kernelsOf(dtype);
  const auto tiles = static_cast<double>(gridOf(inputSize, shape).tiles()), filters = static_cast<double>(inputs * outputs);
  // A word's multiplications take as long as one.
  const double perInput = static_cast<double>(kernels.wordInputs), ofTile = perInput * tileCost * static_cast<double>(inputs + outputs);
  const double winograd = static_cast<double>(kernels.frequencies()) * (tiles * (filters + ofTile) + perInput * costs.filter * filters);
  const int64_t rows = 3 * inputSize[2] - 2 * std::min(dilation, inputSize[2]);
  const double direct = 3.0 * static_cast<double>(inputSize[0] * rows * inputSize[3]) * filters;
  return winograd < worthwhile * costs.direct * direct;
}

at::Tensor winogradFilters(const at::Tensor& weight, at::ScalarType dtype, bool turned) {
  const auto& kernels = *kernelsOf(dtype);
  const int64_t outputs = weight.size(turned ? 1 : 0), inputs = weight.size(turned ? 0 : 1), blocks = blocksOf(outputs);
  const int64_t blockStep = kernels.frequencies() * frequencyStep(wordsOf(inputs, kernels.wordInputs), 1);
  const auto exact = weight.to(at::kFloat);
  FilterStrides strides{exact.stride(0), exact.stride(1), exact.stride(2), exact.stride(3)};
  const float* first = exact.const_data_ptr<float>();
  if (turned) {
    first += 2 * strides.row + 2 * strides.column;
    strides = {strides.input, strides.output, -strides.row, -strides.column};
  }
  auto filters = words(blocks * blockStep);
  parallelFor(blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; block++) {
      const int64_t channel = block * channelBlock;
      kernels.transformFilters(first + channel * strides.output, strides, inputs, std::min(channelBlock, outputs - channel),
                               filters.mutable_data_ptr<float>() + block * blockStep);
    }
  });
  return filters;
}

at::Tensor winogradConvolution(const at::Tensor& x, const at::Tensor& filters, const WinogradShape& shape, const WinogradEpilogue& epilogue) {
  const auto inputs = channelsLast(x);
  const auto bias = epilogue.bias.defined() ? epilogue.bias.to(at::kFloat).contiguous() : at::Tensor();
  const auto residual = epilogue.residual.defined() ? channelsLast(epilogue.residual) : at::Tensor();
  auto y = at::empty({x.size(0), shape.outputs, x.size(2), x.size(3)}, x.options(), at::MemoryFormat::ChannelsLast);
  const Schedule schedule(x.sizes(), shape);
  const auto& kernels = schedule.kernels;
  const Epilogue finish{static_cast<const float*>(dataOf(bias)), dataOf(residual), epilogue.low, epilogue.high};
  const Product product{kernels, schedule.grid, filters, finish, schedule.words, shape.outputs, y.mutable_data_ptr()};
  const auto values = words(schedule.values), products = words(schedule.threads * schedule.products);
  for (int64_t i = 0; i < schedule.sections.count; i++) {
    const auto section = schedule.section(i);
    transformSection(kernels.transformInputs, schedule.grid, inputs, section, blocksOf(schedule.words), values.mutable_data_ptr<float>());
    const auto tasks = schedule.tasks(section);
    const Parts shares{tasks.count(), schedule.threads};
    parallelFor(schedule.threads, 1, [&](int64_t begin, int64_t end) {
      for (int64_t thread = begin; thread < end; thread++) {
        float* own = products.mutable_data_ptr<float>() + thread * schedule.products;
        for (int64_t task = shares.begin(thread); task < shares.begin(thread + 1); task++) {
          multiplyPart(product, section, values.const_data_ptr<float>(), tasks, task, own);
        }
      }
    });
  }
  return y;
}

int64_t winogradScratch(at::IntArrayRef inputSize, const WinogradShape& shape) {
  const Schedule schedule(inputSize, shape);
  return (schedule.values + schedule.threads * schedule.products) * static_cast<int64_t>(sizeof(float));
}

at::Tensor winogradFilterGradient(const at::Tensor& x, const at::Tensor& gradient, const WinogradShape& shape, const at::Tensor& weight) {
  // Their values and those of the gradients, of one block each, stay in the first level of cache.
  constexpr int64_t correlated = 96;
  const auto inputs = channelsLast(x), gradients = channelsLast(gradient);
  const auto& kernels = *kernelsOf(at::kFloat);
  const int64_t frequencies = kernels.frequencies();
  const auto grid = gridOf(x.sizes(), shape);
  const int64_t inputBlocks = blocksOf(shape.inputs), outputBlocks = blocksOf(shape.outputs);
  const auto sections = sectionsOf(kernels, grid, inputBlocks + outputBlocks, std::max(shape.inputs, shape.outputs));
  const int64_t largest = ceilDivide(sections.size, sections.count);
  auto values = words(frequencies * frequencyStep(largest, inputBlocks)), changes = words(frequencies * frequencyStep(largest, outputBlocks));
  const int64_t filterStep = frequencyStep(shape.inputs, 1);
  auto sums = at::zeros({outputBlocks * frequencies * filterStep}, at::TensorOptions(at::kFloat));
  for (int64_t i = 0; i < sections.count; i++) {
    const int64_t first = sections.begin(i), tiles = sections.length(i);
    const Parts groups{tiles, ceilDivide(tiles, kernels.mostTiles)};
    const auto transform = [&](TransformTiles transformTiles, const at::Tensor& pixels, int64_t group, at::Tensor& to) {
      const int64_t begin = groups.begin(group);
      transformTiles(grid, pixels.const_data_ptr(), pixels.size(1), first + begin, groups.length(group), tiles,
                     to.mutable_data_ptr<float>() + begin * channelBlock);
    };
    parallelFor(groups.count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t group = begin; group < end; group++) {
        transform(kernels.transformInputs, inputs, group, values);
        transform(kernels.transformGradients, gradients, group, changes);
      }
    });
    const Parts parts{tiles, ceilDivide(tiles, correlated)};
    parallelFor(frequencies * inputBlocks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; task++) {
        const int64_t f = task / inputBlocks, block = task % inputBlocks, channel = block * channelBlock;
        const auto at = [&](const at::Tensor& all, int64_t blocks, int64_t block, int64_t tile) {
          return all.const_data_ptr<float>() + f * frequencyStep(tiles, blocks) + (block * tiles + tile) * channelBlock;
        };
        for (int64_t part = 0; part < parts.count; part++) {
          const int64_t tile = parts.begin(part);
          for (int64_t o = 0; o < outputBlocks; o++) {
            kernels.correlate(at(values, inputBlocks, block, tile), at(changes, outputBlocks, o, tile), {1, parts.length(part), 0, 0},
                              std::min(channelBlock, shape.inputs - channel),
                              sums.mutable_data_ptr<float>() + (o * frequencies + f) * filterStep + channel * channelBlock);
          }
        }
      }
    });
  }
  auto result = at::empty_like(weight);
  const FilterStrides strides{result.stride(0), result.stride(1), result.stride(2), result.stride(3)};
  parallelFor(outputBlocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; block++) {
      const int64_t channel = block * channelBlock;
      kernels.transformFilterGradients(sums.const_data_ptr<float>() + block * frequencies * filterStep, strides, shape.inputs,
                                       std::min(channelBlock, shape.outputs - channel),
                                       result.mutable_data_ptr<float>() + channel * strides.output);
    }
  });
  return result;
}

// Whether convolutions of this type may be Winograd's here.
FUNCTION(hasWinograd, "dtype") { return call.result(kernelsOf(call.dtype(0)) != nullptr); }

namespace {

/** The shape of what tests ask for. */
WinogradShape shapeOf(const at::Tensor& x, const at::Tensor& weight, int64_t dilation) {
  TORCH_CHECK(x.dim() == 4 && weight.dim() == 4, "expected [n, c, h, w], found ", x.sizes(), " and ", weight.sizes());
  const Integers both{dilation, dilation};
  const auto shape = winogradShape(x.scalar_type(), weight.sizes(), Integers{1, 1}, both, both, 1);
  TORCH_CHECK(shape && x.size(1) == shape->inputs, "no Winograd form of ", x.sizes(), " and ", weight.sizes());
  return *shape;
}

}  // namespace

// For tests: a convolution by these kernels, with what a plan puts into it.
FUNCTION(winogradConv2d, "self", "weight", "bias", "residual", "dilation", "low", "high") {
  const auto x = call.tensor(0), weight = call.tensor(1);
  const auto shape = shapeOf(x, weight, call.integer(4, 1));
  const auto given = [&](size_t index) { return call.optionalTensor(index).value_or(at::Tensor()); };
  const WinogradEpilogue epilogue{given(2), given(3), static_cast<float>(call.number(5)), static_cast<float>(call.number(6))};
  return call.result(winogradConvolution(x, winogradFilters(weight, shape.dtype), shape, epilogue));
}

// For tests: the gradients of inputs and, in float32, filters from that of the outputs.
FUNCTION(winogradGradients, "self", "weight", "gradient", "dilation") {
  const auto x = call.tensor(0), weight = call.tensor(1), gradient = call.tensor(2);
  const auto shape = shapeOf(x, weight, call.integer(3, 1));
  std::vector<at::Tensor> gradients{winogradConvolution(gradient, winogradFilters(weight, shape.dtype, true), shape.turned(), {})};
  if (shape.dtype == at::kFloat) gradients.push_back(winogradFilterGradient(x, gradient, shape, weight));
  return call.result(gradients);
}

}  // namespace binding
