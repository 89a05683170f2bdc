// One dimension of each transform of F(4x4, 3x3), in place of a product with its matrix. See winogradKernelBodies.h.
//
// The points are 0, a, -a, b, -b and infinity. With a = 3/4 and b = 3/2 the error is a fifth of that with the usual 1 and 2.

namespace {

constexpr int64_t tileSide = 4;

constexpr float a = 0.75F, b = 1.5F, a2 = a * a, b2 = b * b, a3 = a * a2, b3 = b * b2;

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

}  // namespace
