// Products of float32. See winogradKernelBodies.h.

namespace {

/** Of inputs and outputs. */
using Element = float;
/** Some words, each of which is an input. */
using Words = Vector;
constexpr int64_t wordInputs = 1;

INLINE Words loadWords(const float* from) { return load(from); }
INLINE Words broadcastWord(const float* from) { return broadcast(*from); }
INLINE void addProducts(Vector& sums, Words x, Words y) { sums += x * y; }

/** As many inputs as make `lanes` words, the first `count` of them; the others are 0. */
INLINE Vector loadInputs(const Element* from, int64_t count, int) { return load(from, count); }

/** Both dimensions of a transform of inputs, whose results `write` gets as words. `read` is asked for a word's inputs in turn. */
template <typename Transform, typename Read, typename Write>
INLINE void transformToWords(const Read& read, const Write& write) {
  transform<Transform>([&](int i, int j) INLINE_LAMBDA { return read(i, j, 0); }, write);
}

}  // namespace
