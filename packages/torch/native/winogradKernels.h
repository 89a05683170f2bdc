// The inner loops of Winograd's convolutions, which are compiled for each set of instructions: plain memory in, plain memory out.
#pragma once

#include <cstdint>

namespace binding {

/**
 * Tiles along a side of the image, phase by phase: a dilated convolution is an ordinary one on each of its phases, the pixels that lie
 * `dilation` apart. The first phases may have a pixel more than the others, and so a tile more.
 */
struct TileLine {
  int64_t dilation, longerPhases, tilesOfLonger, tilesOfOthers;

  int64_t tiles() const { return longerPhases * tilesOfLonger + (dilation - longerPhases) * tilesOfOthers; }

  /** Where tile `index` of `side` outputs begins. */
  int64_t start(int64_t index, int64_t side) const {
    const int64_t others = index - longerPhases * tilesOfLonger;
    if (others < 0) return index / tilesOfLonger + dilation * side * (index % tilesOfLonger);
    return longerPhases + others / tilesOfOthers + dilation * side * (others % tilesOfOthers);
  }
};

/** Tiles of outputs of a 3x3 convolution of stride 1 whose padding is its dilation, in the order image, row, column. */
struct TileGrid {
  int64_t images, height, width, dilation;
  TileLine rows, columns;

  int64_t tiles() const { return images * rows.tiles() * columns.tiles(); }
};

/** Values lie in words of four bytes, one float32 or two bfloat16 of neighbouring inputs, of which there are as many as this. */
constexpr int64_t wordsOf(int64_t inputs, int64_t wordInputs) { return (inputs + wordInputs - 1) / wordInputs; }

/** Words of inputs, and outputs, lie in blocks of as many; the last is filled up with zeros. */
constexpr int64_t channelBlock = 32;

constexpr int64_t blocksOf(int64_t words) { return (words + channelBlock - 1) / channelBlock; }

/** Beyond what a frequency takes: not all of them may lie in the same few lines of the cache. */
constexpr int64_t frequencyGap = 16;

/** Words from one frequency to the next where `rows` lie together, tiles or the inputs of filters: `[frequency][block][row][channelBlock]`. */
constexpr int64_t frequencyStep(int64_t rows, int64_t blocks) { return blocks * rows * channelBlock + frequencyGap; }

/** Places whose words lie one after the other, in runs of `length`, and how many words are from one run to the next. */
struct Runs {
  int64_t count, length, valuesStep, linesStep;
};

/** What outputs get beside the convolution. */
struct Epilogue {
  /** One for each channel, or nullptr. */
  const float* bias;
  /** Added as the outputs lie, and of their type, or nullptr. */
  const void* residual;
  float low, high;
};

/** Where a filter's values lie: from an output channel to the next, an input channel, a row, a column. */
struct FilterStrides {
  int64_t output, input, row, column;
};

/** Inputs, gradients and outputs are float32, or bfloat16 where a word is two. */
struct WinogradKernels {
  /** Of tiles, in outputs: F(4x4, 3x3) has 4. Its inputs are two more on a side, and as many frequencies. */
  int64_t tileSide;
  int64_t wordInputs;
  /** Tiles that the registers hold at once: as many, or fewer, lie together. */
  int64_t mostTiles;
  /** B^T d B of the inputs, channels-last, of tiles `first` to `first + tiles`, at most `mostTiles` of the `together` that lie together. */
  void (*transformInputs)(const TileGrid& grid, const void* inputs, int64_t channels, int64_t first, int64_t tiles, int64_t together, float* to);
  /** G g G^T of at most a block of filters, `[frequency][word][channelBlock]`. */
  void (*transformFilters)(const float* filters, FilterStrides strides, int64_t inputs, int64_t outputs, float* to);
  /** `[tile][channelBlock]` of one frequency of tiles that lie together: values times filters `[word][channelBlock]`, summed over inputs. */
  void (*multiply)(const float* values, int64_t tiles, const float* filters, int64_t words, float* to);
  /** A^T m A of products `[frequency][tile][channelBlock]`: `count` of the outputs' `channels`, channels-last, from channel `begin` on. */
  void (*transformOutputs)(const TileGrid& grid, const float* products, int64_t first, int64_t tiles, const Epilogue& epilogue, void* outputs,
                           int64_t channels, int64_t begin, int64_t count);

  // Of float32 alone:

  /** A d A^T of the gradients of the outputs, as transformInputs does. */
  void (*transformGradients)(const TileGrid& grid, const void* gradients, int64_t channels, int64_t first, int64_t tiles, int64_t together, float* to) = nullptr;
  /** Adds to `[row][channelBlock]`, of at most a block of rows, values times lines, `[place][channelBlock]` both, summed over places. */
  void (*correlate)(const float* values, const float* lines, const Runs& runs, int64_t rows, float* to) = nullptr;
  /** G^T u G, which takes transformFilters back as a gradient. */
  void (*transformFilterGradients)(const float* from, FilterStrides strides, int64_t inputs, int64_t outputs, float* to) = nullptr;

  int64_t frequencies() const { return (tileSide + 2) * (tileSide + 2); }
};

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define WINOGRAD_KERNELS
extern const WinogradKernels avx2WinogradKernels, avx512WinogradKernels, avx512Bfloat16WinogradKernels;
#endif

}  // namespace binding
