// Products of words that are summed in registers, for each set of instructions and type of numbers: see winogradKernelBodies.h, and the same
// for what is included before.

namespace {

/** For each row and two vectors: sums over `depth` of a word, `row` words from one row to the next and `step` to the next depth, times a line. */
template <int rows, int row, int step>
INLINE void accumulate(Vector (&sums)[rows][2], const float* values, const float* lines, int64_t depth) {
  for (int64_t k = 0; k < depth; k++) {
    const Words first = loadWords(lines + k * channelBlock), second = loadWords(lines + k * channelBlock + lanes);
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
      const Words value = broadcastWord(values + i * row + k * step);
      addProducts(sums[i][0], value, first);
      addProducts(sums[i][1], value, second);
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

}  // namespace
