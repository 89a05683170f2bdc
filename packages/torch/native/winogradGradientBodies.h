// The transforms of the gradient of filters, in float32. Included after winogradKernelBodies.h.

namespace {

void transformGradients(const TileGrid& grid, const void* gradients, int64_t channels, int64_t first, int64_t tiles, int64_t together, float* to) {
  transformTiles<Gradients>(grid, gradients, channels, first, tiles, together, to, 0);
}

void transformFilterGradients(const float* from, FilterStrides strides, int64_t inputs, int64_t outputs, float* to) {
  const int64_t step = frequencyStep(inputs, 1);
  float across[9][turned][channelBlock];
  for (int64_t first = 0; first < inputs; first += turned) {
    const int64_t count = least(turned, inputs - first);
    for (int64_t i = 0; i < count; i++) {
      for (int64_t o = 0; o < channelBlock; o += lanes) {
        const float* source = from + (first + i) * channelBlock + o;
        transform<FilterGradients>([&](int row, int column) INLINE_LAMBDA { return load(source + (FilterGradients::from * row + column) * step); },
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

}  // namespace
