// Vectors of floats, and transforms of tiles that are made of them. See winogradKernelBodies.h.

namespace {

#define INLINE inline __attribute__((always_inline))
#define INLINE_LAMBDA __attribute__((always_inline))

using Vector = float __attribute__((vector_size(4 * lanes)));
using VectorInMemory = float __attribute__((vector_size(4 * lanes), aligned(4), may_alias));

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

}  // namespace
