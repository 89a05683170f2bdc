// Included by one file for each set of instructions and type of numbers, which says how many floats a vector has (`lanes`) and how many rows
// of two vectors its registers hold beside what they are made of (`mostRows`), and includes before it what it is made of: winogradVectors.h,
// winogradFloat32.h or winogradBfloat16.h, winogradTiles4.h or winogradTiles3.h, productBodies.h. No header of the libraries may be included after its
// instructions are set: what that compiles inline would be linked into code for older processors.

namespace {

/** One tile's pixels: those of its rows and columns from `begin` to `end` are of the image. */
struct Place {
  /** Of the tile's first pixel, counted from the first of all images, and from a row or column to the next. */
  int64_t pixel, down, right;
  int64_t rowBegin, rowEnd, columnBegin, columnEnd;
  /** Whether all are. */
  bool whole;

  INLINE bool within(int64_t row, int64_t column) const { return row >= rowBegin && row < rowEnd && column >= columnBegin && column < columnEnd; }
  INLINE int64_t at(int64_t row, int64_t column) const { return pixel + row * down + column * right; }
};

/** Where tile `index` has its `side` x `side` pixels, the first of which lie `before` pixels before its outputs'. */
INLINE Place placeOf(const TileGrid& grid, int64_t index, int64_t side, int64_t before) {
  const int64_t d = grid.dilation, rows = grid.rows.tiles(), columns = grid.columns.tiles();
  const int64_t image = index / (rows * columns);
  const int64_t top = grid.rows.start(index / columns % rows, tileSide) - d * before, left = grid.columns.start(index % columns, tileSide) - d * before;
  // Of places start, start + d, ... how many come before `bound`.
  const auto countBefore = [&](int64_t start, int64_t bound) INLINE_LAMBDA { return start >= bound ? 0 : least((bound - start + d - 1) / d, side); };
  const int64_t rowBegin = countBefore(top, 0), rowEnd = countBefore(top, grid.height);
  const int64_t columnBegin = countBefore(left, 0), columnEnd = countBefore(left, grid.width);
  const bool whole = rowBegin == 0 && columnBegin == 0 && rowEnd == side && columnEnd == side;
  return {(image * grid.height + top) * grid.width + left, d * grid.width, d, rowBegin, rowEnd, columnBegin, columnEnd, whole};
}

/** `Transform` of tiles' pixels, which are 0 around the image. */
template <typename Transform>
INLINE void transformTiles(const TileGrid& grid, const void* from, int64_t channels, int64_t first, int64_t tiles, int64_t together, float* to,
                           int64_t before) {
  constexpr int64_t side = Transform::from;
  const auto* pixels = static_cast<const Element*>(from);
  const int64_t blocks = blocksOf(wordsOf(channels, wordInputs)), step = frequencyStep(together, blocks);
  Place places[mostRows];
  for (int64_t tile = 0; tile < tiles; tile++) places[tile] = placeOf(grid, first + tile, side, before);
  for (int64_t word = 0; word < blocks * channelBlock; word += lanes) {
    const int64_t channel = word * wordInputs, left = channels - channel;
    for (int64_t tile = 0; tile < tiles; tile++) {
      const Place& place = places[tile];
      float* target = to + (word / channelBlock * together + tile) * channelBlock + word % channelBlock;
      const auto write = [&](int i, int j, Vector words) INLINE_LAMBDA { store(target + (Transform::to * i + j) * step, words); };
      if (place.whole && left >= wordInputs * lanes) {
        transformToWords<Transform>(
            [&](int i, int j, int part) INLINE_LAMBDA { return loadInputs(pixels + place.at(i, j) * channels + channel, wordInputs * lanes, part); }, write);
      } else {
        transformToWords<Transform>(
            [&](int i, int j, int part) INLINE_LAMBDA {
              return left > 0 && place.within(i, j) ? loadInputs(pixels + place.at(i, j) * channels + channel, left, part) : Vector{};
            },
            write);
      }
    }
  }
}

void transformInputs(const TileGrid& grid, const void* inputs, int64_t channels, int64_t first, int64_t tiles, int64_t together, float* to) {
  transformTiles<Inputs>(grid, inputs, channels, first, tiles, together, to, 1);
}

void transformOutputs(const TileGrid& grid, const float* products, int64_t first, int64_t tiles, const Epilogue& epilogue, void* to, int64_t channels,
                      int64_t begin, int64_t count) {
  auto* outputs = static_cast<Element*>(to);
  const auto* residual = static_cast<const Element*>(epilogue.residual);
  const int64_t step = frequencyStep(tiles, 1);
  for (int64_t tile = 0; tile < tiles; tile++) {
    const Place place = placeOf(grid, first + tile, tileSide, 0);
    for (int64_t c = 0; c < count; c += lanes) {
      const float* from = products + tile * channelBlock + c;
      const int64_t left = count - c;
      const Vector bias = epilogue.bias == nullptr ? Vector{} : load(epilogue.bias + begin + c, left);
      transform<Outputs>([&](int i, int j) INLINE_LAMBDA { return load(from + (Outputs::from * i + j) * step); },
                         [&](int i, int j, Vector value) INLINE_LAMBDA {
                           if (!place.within(i, j)) return;
                           const int64_t at = place.at(i, j) * channels + begin + c;
                           value += bias;
                           if (residual != nullptr) value += load(residual + at, left);
                           // Comparisons with NaN are false: it stays.
                           value = value < epilogue.low ? broadcast(epilogue.low) : value;
                           value = value > epilogue.high ? broadcast(epilogue.high) : value;
                           store(outputs + at, value, left);
                         });
    }
  }
}

/** Inputs at a time whose filters are turned from [output][input] to [input][output]. */
constexpr int64_t turned = 16;

void transformFilters(const float* filters, FilterStrides strides, int64_t inputs, int64_t outputs, float* to) {
  const int64_t step = frequencyStep(wordsOf(inputs, wordInputs), 1);
  float across[9][turned][channelBlock];
  for (float& value : reinterpret_cast<float(&)[9 * turned * channelBlock]>(across)) value = 0;
  for (int64_t first = 0; first < inputs; first += turned) {
    const int64_t count = least(turned, inputs - first);
    for (int64_t k = 0; k < 9; k++) {
      const float* from = filters + first * strides.input + k / 3 * strides.row + k % 3 * strides.column;
      for (int64_t o = 0; o < outputs; o++) {
        for (int64_t i = 0; i < turned; i++) across[k][i][o] = i < count ? from[o * strides.output + i * strides.input] : 0;
      }
    }
    for (int64_t i = 0; i < count; i += wordInputs) {
      for (int64_t o = 0; o < channelBlock; o += lanes) {
        float* target = to + (first + i) / wordInputs * channelBlock + o;
        transformToWords<Filters>([&](int row, int column, int part) INLINE_LAMBDA { return load(across[3 * row + column][i + part] + o); },
                                  [&](int row, int column, Vector words) INLINE_LAMBDA { store(target + (Filters::to * row + column) * step, words); });
      }
    }
  }
}

template <int tiles>
__attribute__((noinline)) void multiplyTiles(const float* values, const float* filters, int64_t words, float* to) {
  Vector sums[tiles][2] = {};
  for (int64_t word = 0; word < words; word += channelBlock) {
    accumulate<tiles, channelBlock, 1>(sums, values + word * tiles, filters + word * channelBlock, least(channelBlock, words - word));
  }
  storeRows(sums, to);
}

void multiply(const float* values, int64_t tiles, const float* filters, int64_t words, float* to) {
  withRows(tiles, [&]<int rows>(Rows<rows>) INLINE_LAMBDA {
    for (int64_t column = 0; column < channelBlock; column += 2 * lanes) multiplyTiles<rows>(values, filters + column, words, to + column);
  });
}

}  // namespace
