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
#include "winogradKernels.h"

namespace binding {

namespace {

const WinogradKernels* kernels() {
#ifdef WINOGRAD_KERNELS
  static const auto* found = []() -> const WinogradKernels* {
    const auto capability = at::get_cpu_capability();
    if (capability.starts_with("AVX512")) return &avx512WinogradKernels;
    return capability.starts_with("AVX2") ? &avx2WinogradKernels : nullptr;
  }();
  return found;
#else
  return nullptr;
#endif
}

int64_t ceilDivide(int64_t x, int64_t y) { return (x + y - 1) / y; }

TileGrid gridOf(at::IntArrayRef size, int64_t dilation) {
  const int64_t height = size[2], width = size[3];
  return {size[0], height, width, dilation, ceilDivide(ceilDivide(height, dilation), 4), ceilDivide(ceilDivide(width, dilation), 4)};
}

/** Consecutive parts of 0..size that differ by one at most. */
struct Parts {
  int64_t size, count;

  int64_t begin(int64_t part) const { return size * part / count; }
  int64_t length(int64_t part) const { return begin(part + 1) - begin(part); }
};

/** Tiles `first` to `first + tiles`, in groups that lie together. */
struct Section {
  int64_t first;
  Parts groups;

  Section(int64_t first, int64_t tiles) : first(first), groups{tiles, ceilDivide(tiles, kernels()->mostTiles)} {}

  /** Where a group's transformed values begin. */
  int64_t offset(int64_t group, int64_t blocks) const { return frequencies * (blocks * channelBlock * groups.begin(group) + group * frequencyGap); }
  int64_t floats(int64_t blocks) const { return offset(groups.count, blocks); }
};

/**
 * All tiles, in sections whose transformed values, of `blocks` blocks, are about as large as filters of as many outputs, which each section
 * reads once: but at most 34 MB, and enough for all threads.
 */
Parts sectionsOf(const TileGrid& grid, int64_t blocks, int64_t outputs) {
  constexpr int64_t mostFloats = (int64_t{34} << 20) / sizeof(float);
  const int64_t tiles = grid.tiles(), fewest = std::max<int64_t>(128, 32 * at::get_num_threads());
  const int64_t most = std::max(fewest, std::min(outputs, mostFloats / (frequencies * channelBlock * blocks)));
  return {tiles, ceilDivide(tiles, most)};
}

at::Tensor floats(int64_t count) { return at::empty({count}, at::TensorOptions(at::kFloat)); }

at::Tensor channelsLast(const at::Tensor& x) { return x.contiguous(at::MemoryFormat::ChannelsLast); }

using TransformTiles = void (*)(const TileGrid&, const float*, int64_t, int64_t, int64_t, float*);

void transformSection(TransformTiles transform, const TileGrid& grid, const at::Tensor& pixels, const Section& section, float* to) {
  const int64_t channels = pixels.size(1), blocks = blocksOf(channels);
  parallelFor(section.groups.count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t group = begin; group < end; group++) {
      transform(grid, pixels.const_data_ptr<float>(), channels, section.first + section.groups.begin(group), section.groups.length(group),
                to + section.offset(group, blocks));
    }
  });
}

/** How a section's products are shared out: a task is one part of the groups and one of the blocks of outputs. */
struct Tasks {
  Parts groups, blocks;

  Tasks(const Section& section, int64_t inputs, int64_t outputBlocks, int64_t threads)
      : groups{section.groups.count, 1}, blocks{outputBlocks, ceilDivide(outputBlocks, 4)} {
    // What is read again and again stays in the second level of cache: products of few inputs, the values of many.
    const int64_t most = inputs >= 256 ? 128 : 56;
    groups.count = ceilDivide(section.groups.size, most);
    while (blocks.count < outputBlocks && groups.count * blocks.count < threads) blocks.count++;
    const int64_t whole = threads / std::gcd(threads, blocks.count);
    groups.count = std::min(ceilDivide(groups.count, whole) * whole, groups.size);
  }

  int64_t count() const { return groups.count * blocks.count; }
  /** Floats of a task's products. */
  int64_t floats() const {
    return ceilDivide(blocks.size, blocks.count) * frequencies * frequencyStep(ceilDivide(groups.size, groups.count) * kernels()->mostTiles, 1);
  }
};

struct Product {
  const TileGrid& grid;
  const at::Tensor& filters;
  const Epilogue& epilogue;
  int64_t inputs, outputs;
  float* to;
};

void multiplyPart(const Product& product, const Section& section, const float* values, const Tasks& tasks, int64_t task, float* products) {
  const auto& [grid, filters, epilogue, inputs, outputs, to] = product;
  const auto& groups = section.groups;
  const int64_t groupPart = task % tasks.groups.count, blockPart = task / tasks.groups.count;
  const int64_t group = tasks.groups.begin(groupPart), groupEnd = tasks.groups.begin(groupPart + 1);
  const int64_t block = tasks.blocks.begin(blockPart), blockEnd = tasks.blocks.begin(blockPart + 1);
  const int64_t first = groups.begin(group), tiles = groups.begin(groupEnd) - first;
  const int64_t inputBlocks = blocksOf(inputs), step = frequencyStep(tiles, 1);
  for (int64_t f = 0; f < frequencies; f++) {
    for (int64_t o = block; o < blockEnd; o++) {
      const float* filter = filters.const_data_ptr<float>() + (o * frequencies + f) * frequencyStep(inputs, 1);
      float* result = products + ((o - block) * frequencies + f) * step;
      for (int64_t g = group; g < groupEnd; g++) {
        const int64_t length = groups.length(g);
        kernels()->multiply(values + section.offset(g, inputBlocks) + f * frequencyStep(length, inputBlocks), length, filter, inputs,
                            result + (groups.begin(g) - first) * channelBlock);
      }
    }
  }
  for (int64_t o = block; o < blockEnd; o++) {
    const int64_t channel = o * channelBlock;
    kernels()->transformOutputs(grid, products + (o - block) * frequencies * step, section.first + first, tiles, epilogue, to, outputs, channel,
                                std::min(channelBlock, outputs - channel));
  }
}

/** How a convolution goes about it, and the floats that it takes. */
struct Schedule {
  TileGrid grid;
  WinogradShape shape;
  int64_t threads = at::get_num_threads();
  Parts sections;
  /** Of a section's transformed values, and of a thread's products. */
  int64_t values = 0, products = 0;

  Schedule(const TileGrid& grid, const WinogradShape& shape) : grid(grid), shape(shape), sections(sectionsOf(grid, blocksOf(shape.inputs), shape.outputs)) {
    for (int64_t i = 0; i < sections.count; i++) {
      values = std::max(values, section(i).floats(blocksOf(shape.inputs)));
      products = std::max(products, tasks(section(i)).floats());
    }
  }

  Section section(int64_t i) const { return {sections.begin(i), sections.length(i)}; }
  Tasks tasks(const Section& section) const { return {section, shape.inputs, blocksOf(shape.outputs), threads}; }
};

const float* dataOf(const at::Tensor& tensor) { return tensor.defined() ? tensor.const_data_ptr<float>() : nullptr; }

}  // namespace

std::optional<WinogradShape> winogradShape(at::IntArrayRef weightSize, at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation,
                                           int64_t groups) {
  constexpr int64_t fewestChannels = 32;
  const int64_t outputs = weightSize[0], inputs = weightSize[1];
  const bool form = weightSize[2] == 3 && weightSize[3] == 3 && stride[0] == 1 && stride[1] == 1 && padding == dilation && dilation[0] == dilation[1];
  if (kernels() == nullptr || groups != 1 || !form || std::min(inputs, outputs) < fewestChannels) return std::nullopt;
  return WinogradShape{inputs, outputs, dilation[0]};
}

// Measured with AVX-512 and AVX2: transforms take as long as so many multiplications for each value of a frequency, those of filters for
// each of theirs. Products of few channels are a little slower than oneDNN's.
bool winogradMultipliesLess(at::IntArrayRef inputSize, const WinogradShape& shape) {
  constexpr double tileCost = 20, filterCost = 30, worthwhile = 0.8;
  const auto [inputs, outputs, dilation] = shape;
  const auto tiles = static_cast<double>(gridOf(inputSize, dilation).tiles()), filters = static_cast<double>(inputs * outputs);
  const double winograd = frequencies * (tiles * (filters + tileCost * static_cast<double>(inputs + outputs)) + filterCost * filters);
  const double direct = 9.0 * static_cast<double>(inputSize[0] * inputSize[2] * inputSize[3]) * filters;
  return winograd < worthwhile * direct;
}

at::Tensor winogradFilters(const at::Tensor& weight, bool turned) {
  const int64_t outputs = weight.size(turned ? 1 : 0), inputs = weight.size(turned ? 0 : 1), blocks = blocksOf(outputs);
  FilterStrides strides{weight.stride(0), weight.stride(1), weight.stride(2), weight.stride(3)};
  const float* first = weight.const_data_ptr<float>();
  if (turned) {
    first += 2 * strides.row + 2 * strides.column;
    strides = {strides.input, strides.output, -strides.row, -strides.column};
  }
  auto filters = floats(blocks * frequencies * frequencyStep(inputs, 1));
  parallelFor(blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; block++) {
      const int64_t channel = block * channelBlock;
      kernels()->transformFilters(first + channel * strides.output, strides, inputs, std::min(channelBlock, outputs - channel),
                                  filters.mutable_data_ptr<float>() + block * frequencies * frequencyStep(inputs, 1));
    }
  });
  return filters;
}

at::Tensor winogradConvolution(const at::Tensor& x, const at::Tensor& filters, const WinogradShape& shape, const WinogradEpilogue& epilogue) {
  const auto inputs = channelsLast(x);
  const auto bias = epilogue.bias.defined() ? epilogue.bias.contiguous() : at::Tensor();
  const auto residual = epilogue.residual.defined() ? channelsLast(epilogue.residual) : at::Tensor();
  auto y = at::empty({x.size(0), shape.outputs, x.size(2), x.size(3)}, x.options(), at::MemoryFormat::ChannelsLast);
  const Schedule schedule(gridOf(x.sizes(), shape.dilation), shape);
  const Epilogue finish{dataOf(bias), dataOf(residual), epilogue.low, epilogue.high};
  const Product product{schedule.grid, filters, finish, shape.inputs, shape.outputs, y.mutable_data_ptr<float>()};
  const auto values = floats(schedule.values), products = floats(schedule.threads * schedule.products);
  for (int64_t i = 0; i < schedule.sections.count; i++) {
    const auto section = schedule.section(i);
    transformSection(kernels()->transformInputs, schedule.grid, inputs, section, values.mutable_data_ptr<float>());
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
  const Schedule schedule(gridOf(inputSize, shape.dilation), shape);
  return (schedule.values + schedule.threads * schedule.products) * static_cast<int64_t>(sizeof(float));
}

at::Tensor winogradFilterGradient(const at::Tensor& x, const at::Tensor& gradient, const WinogradShape& shape, const at::Tensor& weight) {
  const auto inputs = channelsLast(x), gradients = channelsLast(gradient);
  const auto grid = gridOf(x.sizes(), shape.dilation);
  const int64_t inputBlocks = blocksOf(shape.inputs), outputBlocks = blocksOf(shape.outputs);
  const auto sections = sectionsOf(grid, inputBlocks + outputBlocks, std::max(shape.inputs, shape.outputs));
  const Section largest(0, ceilDivide(sections.size, sections.count));
  const auto values = floats(largest.floats(inputBlocks)), changes = floats(largest.floats(outputBlocks));
  const int64_t filterStep = frequencyStep(shape.inputs, 1);
  const auto sums = at::zeros({outputBlocks * frequencies * filterStep}, at::TensorOptions(at::kFloat));
  for (int64_t i = 0; i < sections.count; i++) {
    const Section section(sections.begin(i), sections.length(i));
    transformSection(kernels()->transformInputs, grid, inputs, section, values.mutable_data_ptr<float>());
    transformSection(kernels()->transformGradients, grid, gradients, section, changes.mutable_data_ptr<float>());
    parallelFor(frequencies * inputBlocks, 1, [&](int64_t begin, int64_t end) {
      std::vector<Correlated> parts(section.groups.count);
      for (int64_t task = begin; task < end; task++) {
        const int64_t f = task / inputBlocks, block = task % inputBlocks, first = block * channelBlock;
        for (int64_t o = 0; o < outputBlocks; o++) {
          for (int64_t g = 0; g < section.groups.count; g++) {
            const int64_t length = section.groups.length(g);
            const auto at = [&](const at::Tensor& all, int64_t blocks, int64_t block) {
              return all.const_data_ptr<float>() + section.offset(g, blocks) + f * frequencyStep(length, blocks) + block * length * channelBlock;
            };
            parts[g] = {at(values, inputBlocks, block), at(changes, outputBlocks, o), length};
          }
          kernels()->correlate(parts.data(), section.groups.count, std::min(channelBlock, shape.inputs - first),
                               sums.mutable_data_ptr<float>() + (o * frequencies + f) * filterStep + first * channelBlock);
        }
      }
    });
  }
  auto result = at::empty_like(weight);
  const FilterStrides strides{result.stride(0), result.stride(1), result.stride(2), result.stride(3)};
  parallelFor(outputBlocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; block++) {
      const int64_t channel = block * channelBlock;
      kernels()->transformFilterGradients(sums.const_data_ptr<float>() + block * frequencies * filterStep, strides, shape.inputs,
                                          std::min(channelBlock, shape.outputs - channel),
                                          result.mutable_data_ptr<float>() + channel * strides.output);
    }
  });
  return result;
}

FUNCTION(hasWinograd) { return call.result(kernels() != nullptr); }

namespace {

/** The shape of what tests ask for. */
WinogradShape shapeOf(const at::Tensor& x, const at::Tensor& weight, int64_t dilation) {
  TORCH_CHECK(x.dim() == 4 && weight.dim() == 4 && x.scalar_type() == at::kFloat && weight.scalar_type() == at::kFloat, "expected float32 [n, c, h, w]");
  const Integers both{dilation, dilation};
  const auto shape = winogradShape(weight.sizes(), Integers{1, 1}, both, both, 1);
  TORCH_CHECK(shape && x.size(1) == shape->inputs, "no Winograd form of ", x.sizes(), " and ", weight.sizes());
  return *shape;
}

}  // namespace

// For tests: a convolution by these kernels, with what a plan puts into it.
FUNCTION(winogradConv2d, "self", "weight", "bias", "residual", "dilation", "low", "high") {
  const auto weight = call.tensor(1);
  const auto shape = shapeOf(call.tensor(0), weight, call.integer(4, 1));
  const auto given = [&](size_t index) { return call.optionalTensor(index).value_or(at::Tensor()); };
  const WinogradEpilogue epilogue{given(2), given(3), static_cast<float>(call.number(5)), static_cast<float>(call.number(6))};
  return call.result(winogradConvolution(call.tensor(0), winogradFilters(weight), shape, epilogue));
}

// For tests: the gradients of inputs and filters from that of the outputs.
FUNCTION(winogradGradients, "self", "weight", "gradient", "dilation") {
  const auto x = call.tensor(0), weight = call.tensor(1), gradient = call.tensor(2);
  const auto [inputs, outputs, dilation] = shapeOf(x, weight, call.integer(3, 1));
  return call.result(std::vector<at::Tensor>{winogradConvolution(gradient, winogradFilters(weight, true), {outputs, inputs, dilation}, {}),
                                             winogradFilterGradient(x, gradient, {inputs, outputs, dilation}, weight)});
}

}  // namespace binding
