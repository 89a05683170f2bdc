// Sums over places of products of each of a block's channels with each of another's: the gradient of filters. Included after productBodies.h.

namespace {

template <int rows>
__attribute__((noinline)) void correlateRows(const float* values, const float* lines, const Runs& runs, float* to) {
  Vector sums[rows][2];
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++) {
    sums[i][0] = load(to + i * channelBlock);
    sums[i][1] = load(to + i * channelBlock + lanes);
  }
  for (int64_t run = 0; run < runs.count; run++) {
    accumulate<rows, 1, channelBlock>(sums, values + run * runs.valuesStep, lines + run * runs.linesStep, runs.length);
  }
  storeRows(sums, to);
}

void correlate(const float* values, const float* lines, const Runs& runs, int64_t rows, float* to) {
  const int64_t groups = (rows + mostRows - 1) / mostRows;
  for (int64_t group = 0; group < groups; group++) {
    const int64_t first = rows * group / groups, next = rows * (group + 1) / groups;
    withRows(next - first, [&]<int count>(Rows<count>) INLINE_LAMBDA {
      for (int64_t column = 0; column < channelBlock; column += 2 * lanes) {
        correlateRows<count>(values + first, lines + column, runs, to + first * channelBlock + column);
      }
    });
  }
}

}  // namespace
