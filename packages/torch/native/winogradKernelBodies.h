// Included by one file for each set of instructions, which says how many floats a vector has (`lanes`) and how many rows of two vectors
// its registers hold beside what they are made of (`mostRows`). No other header may be included here: what that compiles inline would
// be linked into code for older processors.
//
// The points of F(4x4, 3x3) are 0, a, -a, b, -b and infinity. With a = 3/4 and b = 3/2 the error is a fifth of that with the usual 1 and 2.

namespace {

#define INLINE inline __attribute__((always_inline))
#define INLINE_LAMBDA __attribute__((always_inline))

using Vector = float __attribute__((vector_size(4 * lanes)));
using VectorInMemory = float __attribute__((vector_size(4 * lanes), aligned(4), may_alias));

constexpr float a = 0.75F, b = 1.5F, a2 = a * a, b2 = b * b, a3 = a * a2, b3 = b * b2;

INLINE int64_t least(int64_t x, int64_t y) { return x < y ? x : y; }

INLINE Vector load(const float* from) { return *reinterpret_cast<const VectorInMemory*>(from); }
INLINE void store(float* to, Vector value) { *reinterpret_cast<VectorInMemory*>(to) = value; }

/** In all lanes. That 0 is subtracted costs nothing, as adding it would, which makes 0 of -0. */
INLINE Vector broadcast(float value) { return value - Vector{}; }

/** The first `count` lanes; the others are 0. */
INLINE Vector load(const float* from, int64_t count) {
  if (count >= lanes) return load(from);
  Vector value{};
  for (int64_t i = 0; i < count; i++) value[i] = from[i];
  return value;
}

INLINE void store(float* to, Vector value, int64_t count) {
  if (count >= lanes) return store(to, value);
  for (int64_t i = 0; i < count; i++) to[i] = value[i];
}

// One dimension of each transform, in place of a product with its matrix.

struct Inputs {
  static constexpr int from = 6, to = 6;
  static INLINE void apply(const Vector* d, Vector* v) {
    const Vector even = d[4] - b2 * d[2], odd = a * (d[3] - b2 * d[1]);
    const Vector even2 = d[4] - a2 * d[2], odd2 = b * (d[3] - a2 * d[1]);
    v[0] = a2 * b2 * d[0] - (a2 + b2) * d[2] + d[4];
    v[1] = even + odd;
    v[2] = even - odd;
    v[3] = even2 + odd2;
    v[4] = even2 - odd2;
    v[5] = a2 * b2 * d[1] - (a2 + b2) * d[3] + d[5];
  }
};

struct Outputs {
  static constexpr int from = 6, to = 4;
  static INLINE void apply(const Vector* m, Vector* y) {
    const Vector sum = m[1] + m[2], difference = m[1] - m[2], sum2 = m[3] + m[4], difference2 = m[3] - m[4];
    y[0] = m[0] + sum + sum2;
    y[1] = a * difference + b * difference2;
    y[2] = a2 * sum + b2 * sum2;
    y[3] = a3 * difference + b3 * difference2 + m[5];
  }
};

struct Gradients {
  static constexpr int from = 4, to = 6;
  static INLINE void apply(const Vector* y, Vector* m) {
    const Vector even = y[0] + a2 * y[2], odd = a * y[1] + a3 * y[3], even2 = y[0] + b2 * y[2], odd2 = b * y[1] + b3 * y[3];
    m[0] = y[0];
    m[1] = even + odd;
    m[2] = even - odd;
    m[3] = even2 + odd2;
    m[4] = even2 - odd2;
    m[5] = y[3];
  }
};

constexpr float atZero = 1 / (a2 * b2), atA = 1 / (2 * a2 * (a2 - b2)), atB = 1 / (2 * b2 * (b2 - a2));

struct Filters {
  static constexpr int from = 3, to = 6;
  static INLINE void apply(const Vector* g, Vector* u) {
    const Vector even = atA * g[0] + (atA * a2) * g[2], odd = (atA * a) * g[1];
    const Vector even2 = atB * g[0] + (atB * b2) * g[2], odd2 = (atB * b) * g[1];
    u[0] = atZero * g[0];
    u[1] = even + odd;
    u[2] = even - odd;
    u[3] = even2 + odd2;
    u[4] = even2 - odd2;
    u[5] = g[2];
  }
};

struct FilterGradients {
  static constexpr int from = 6, to = 3;
  static INLINE void apply(const Vector* u, Vector* g) {
    const Vector sum = u[1] + u[2], difference = u[1] - u[2], sum2 = u[3] + u[4], difference2 = u[3] - u[4];
    g[0] = atZero * u[0] + atA * sum + atB * sum2;
    g[1] = (atA * a) * difference + (atB * b) * difference2;
    g[2] = (atA * a2) * sum + (atB * b2) * sum2 + u[5];
  }
};

/** Both dimensions: `read(row, column)` gives what `write(row, column, value)` gets the transformed of. */
template <typename Transform, typename Read, typename Write>
INLINE void transform(const Read& read, const Write& write) {
  Vector rows[Transform::from][Transform::to];
#pragma GCC unroll 6
  for (int i = 0; i < Transform::from; i++) {
    Vector line[Transform::from];
#pragma GCC unroll 6
    for (int j = 0; j < Transform::from; j++) line[j] = read(i, j);
    Transform::apply(line, rows[i]);
  }
#pragma GCC unroll 6
  for (int j = 0; j < Transform::to; j++) {
    Vector line[Transform::from], result[Transform::to];
#pragma GCC unroll 6
    for (int i = 0; i < Transform::from; i++) line[i] = rows[i][j];
    Transform::apply(line, result);
#pragma GCC unroll 6
    for (int i = 0; i < Transform::to; i++) write(i, j, result[i]);
  }
}

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
  const int64_t d = grid.dilation;
  const int64_t column = index % grid.columns, row = index / grid.columns % grid.rows;
  const int64_t phase = index / (grid.columns * grid.rows), image = phase / (d * d);
  const int64_t top = phase / d % d + d * (4 * row - before), left = phase % d + d * (4 * column - before);
  // Of places start, start + d, ... how many come before `bound`.
  const auto countBefore = [&](int64_t start, int64_t bound) INLINE_LAMBDA { return start >= bound ? 0 : least((bound - start + d - 1) / d, side); };
  const int64_t rowBegin = countBefore(top, 0), rowEnd = countBefore(top, grid.height);
  const int64_t columnBegin = countBefore(left, 0), columnEnd = countBefore(left, grid.width);
  const bool whole = rowBegin == 0 && columnBegin == 0 && rowEnd == side && columnEnd == side;
  return {(image * grid.height + top) * grid.width + left, d * grid.width, d, rowBegin, rowEnd, columnBegin, columnEnd, whole};
}

/** `Transform` of tiles' pixels, which are 0 around the image. */
template <typename Transform>
INLINE void transformTiles(const TileGrid& grid, const float* pixels, int64_t channels, int64_t first, int64_t tiles, float* to, int64_t before) {
  constexpr int64_t side = Transform::from;
  const int64_t blocks = blocksOf(channels), step = frequencyStep(tiles, blocks);
  Place places[mostRows];
  for (int64_t tile = 0; tile < tiles; tile++) places[tile] = placeOf(grid, first + tile, side, before);
  for (int64_t c = 0; c < blocks * channelBlock; c += lanes) {
    const int64_t left = channels - c;
    for (int64_t tile = 0; tile < tiles; tile++) {
      const Place& place = places[tile];
      float* target = to + (c / channelBlock * tiles + tile) * channelBlock + c % channelBlock;
      const auto write = [&](int i, int j, Vector value) INLINE_LAMBDA { store(target + (6 * i + j) * step, value); };
      if (place.whole && left >= lanes) {
        transform<Transform>([&](int i, int j) INLINE_LAMBDA { return load(pixels + place.at(i, j) * channels + c); }, write);
      } else {
        transform<Transform>(
            [&](int i, int j) INLINE_LAMBDA { return left > 0 && place.within(i, j) ? load(pixels + place.at(i, j) * channels + c, left) : Vector{}; }, write);
      }
    }
  }
}

void transformInputs(const TileGrid& grid, const float* inputs, int64_t channels, int64_t first, int64_t tiles, float* to) {
  transformTiles<Inputs>(grid, inputs, channels, first, tiles, to, 1);
}

void transformGradients(const TileGrid& grid, const float* gradients, int64_t channels, int64_t first, int64_t tiles, float* to) {
  transformTiles<Gradients>(grid, gradients, channels, first, tiles, to, 0);
}

void transformOutputs(const TileGrid& grid, const float* products, int64_t first, int64_t tiles, const Epilogue& epilogue, float* outputs, int64_t channels,
                      int64_t begin, int64_t count) {
  const int64_t step = frequencyStep(tiles, 1);
  for (int64_t tile = 0; tile < tiles; tile++) {
    const Place place = placeOf(grid, first + tile, 4, 0);
    for (int64_t c = 0; c < count; c += lanes) {
      const float* from = products + tile * channelBlock + c;
      const int64_t left = count - c;
      const Vector bias = epilogue.bias == nullptr ? Vector{} : load(epilogue.bias + begin + c, left);
      transform<Outputs>([&](int i, int j) INLINE_LAMBDA { return load(from + (6 * i + j) * step); },
                         [&](int i, int j, Vector value) INLINE_LAMBDA {
                           if (!place.within(i, j)) return;
                           const int64_t at = place.at(i, j) * channels + begin + c;
                           value += bias;
                           if (epilogue.residual != nullptr) value += load(epilogue.residual + at, left);
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
  const int64_t step = frequencyStep(inputs, 1);
  float across[9][turned][channelBlock];
  for (float& value : reinterpret_cast<float(&)[9 * turned * channelBlock]>(across)) value = 0;
  for (int64_t first = 0; first < inputs; first += turned) {
    const int64_t count = least(turned, inputs - first);
    for (int64_t k = 0; k < 9; k++) {
      const float* from = filters + first * strides.input + k / 3 * strides.row + k % 3 * strides.column;
      for (int64_t o = 0; o < outputs; o++) {
        for (int64_t i = 0; i < count; i++) across[k][i][o] = from[o * strides.output + i * strides.input];
      }
    }
    for (int64_t i = 0; i < count; i++) {
      for (int64_t o = 0; o < channelBlock; o += lanes) {
        float* target = to + (first + i) * channelBlock + o;
        transform<Filters>([&](int row, int column) INLINE_LAMBDA { return load(across[3 * row + column][i] + o); },
                           [&](int row, int column, Vector value) INLINE_LAMBDA { store(target + (6 * row + column) * step, value); });
      }
    }
  }
}

void transformFilterGradients(const float* from, FilterStrides strides, int64_t inputs, int64_t outputs, float* to) {
  const int64_t step = frequencyStep(inputs, 1);
  float across[9][turned][channelBlock];
  for (int64_t first = 0; first < inputs; first += turned) {
    const int64_t count = least(turned, inputs - first);
    for (int64_t i = 0; i < count; i++) {
      for (int64_t o = 0; o < channelBlock; o += lanes) {
        const float* source = from + (first + i) * channelBlock + o;
        transform<FilterGradients>([&](int row, int column) INLINE_LAMBDA { return load(source + (6 * row + column) * step); },
                                   [&](int row, int column, Vector value) INLINE_LAMBDA { store(across[3 * row + column][i] + o, value); });
      }
    }
    for (int64_t k = 0; k < 9; k++) {
      float* target = to + first * strides.input + k / 3 * strides.row + k % 3 * strides.column;
      for (int64_t o = 0; o < outputs; o++) {
        for (int64_t i = 0; i < count; i++) target[o * strides.output + i * strides.input] = across[k][i][o];
      }
    }
  }
}

/** For each row and two vectors: sums over `depth` of a value, `row` floats from one row to the next and `step` to the next depth, times a line. */
template <int rows, int row, int step>
INLINE void accumulate(Vector (&sums)[rows][2], const float* values, const float* lines, int64_t depth) {
  for (int64_t k = 0; k < depth; k++) {
    const Vector first = load(lines + k * channelBlock), second = load(lines + k * channelBlock + lanes);
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
      const Vector value = broadcast(values[i * row + k * step]);
      sums[i][0] += value * first;
      sums[i][1] += value * second;
    }
  }
}

template <int rows>
INLINE void storeRows(const Vector (&sums)[rows][2], float* to) {
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++) {
    store(to + i * channelBlock, sums[i][0]);
    store(to + i * channelBlock + lanes, sums[i][1]);
  }
}

template <int tiles>
__attribute__((noinline)) void multiplyTiles(const float* values, const float* filters, int64_t inputs, float* to) {
  Vector sums[tiles][2] = {};
  for (int64_t input = 0; input < inputs; input += channelBlock) {
    accumulate<tiles, channelBlock, 1>(sums, values + input * tiles, filters + input * channelBlock, least(channelBlock, inputs - input));
  }
  storeRows(sums, to);
}

template <int inputs>
__attribute__((noinline)) void correlateInputs(const Correlated* parts, int64_t count, int64_t first, int64_t column, float* to) {
  Vector sums[inputs][2];
#pragma GCC unroll 16
  for (int i = 0; i < inputs; i++) {
    sums[i][0] = load(to + i * channelBlock);
    sums[i][1] = load(to + i * channelBlock + lanes);
  }
  for (int64_t part = 0; part < count; part++) {
    accumulate<inputs, 1, channelBlock>(sums, parts[part].values + first, parts[part].gradients + column, parts[part].tiles);
  }
  storeRows(sums, to);
}

template <int>
struct Rows {};

/** Calls `work` with a compile-time form of `rows`, from 1 to `bound`. */
template <int bound = mostRows, typename Work>
INLINE void withRows(int64_t rows, const Work& work) {
  if constexpr (bound > 0) {
    if (rows == bound) work(Rows<bound>());
    else withRows<bound - 1>(rows, work);
  }
}

void multiply(const float* values, int64_t tiles, const float* filters, int64_t inputs, float* to) {
  withRows(tiles, [&]<int rows>(Rows<rows>) INLINE_LAMBDA {
    for (int64_t column = 0; column < channelBlock; column += 2 * lanes) multiplyTiles<rows>(values, filters + column, inputs, to + column);
  });
}

void correlate(const Correlated* parts, int64_t count, int64_t inputs, float* to) {
  const int64_t groups = (inputs + mostRows - 1) / mostRows;
  for (int64_t group = 0; group < groups; group++) {
    const int64_t first = inputs * group / groups, next = inputs * (group + 1) / groups;
    withRows(next - first, [&]<int rows>(Rows<rows>) INLINE_LAMBDA {
      for (int64_t column = 0; column < channelBlock; column += 2 * lanes) {
        correlateInputs<rows>(parts, count, first, column, to + first * channelBlock + column);
      }
    });
  }
}

constexpr WinogradKernels kernels{mostRows,        transformInputs,  transformGradients, transformFilters,
                                  multiply,        transformOutputs, correlate,          transformFilterGradients};

}  // namespace
