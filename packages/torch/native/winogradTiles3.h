// One dimension of each transform of F(3x3, 3x3), in place of a product with its matrix. See winogradKernelBodies.h.
//
// The points are a, -a, b, -b and infinity. In bfloat16, of which all that is rounded is a transformed input or filter, the error with
// a = 0.4 and b = 1.24 is half of that with the usual 0, 1, -1 and 2.

namespace {

constexpr int64_t tileSide = 3;

constexpr float a = 0.4F, b = 1.24F, a2 = a * a, b2 = b * b;

struct Inputs {
  static constexpr int from = 5, to = 5;
  static INLINE void apply(const Vector* d, Vector* v) {
    const Vector odd = d[3] - b2 * d[1], even = a * (d[2] - b2 * d[0]);
    const Vector odd2 = d[3] - a2 * d[1], even2 = b * (d[2] - a2 * d[0]);
    v[0] = odd + even;
    v[1] = odd - even;
    v[2] = odd2 + even2;
    v[3] = odd2 - even2;
    v[4] = a2 * b2 * d[0] - (a2 + b2) * d[2] + d[4];
  }
};

struct Outputs {
  static constexpr int from = 5, to = 3;
  static INLINE void apply(const Vector* m, Vector* y) {
    const Vector sum = m[0] + m[1], sum2 = m[2] + m[3];
    y[0] = sum + sum2;
    y[1] = a * (m[0] - m[1]) + b * (m[2] - m[3]);
    y[2] = a2 * sum + b2 * sum2 + m[4];
  }
};

constexpr float atA = 1 / (2 * a * (a2 - b2)), atB = 1 / (2 * b * (b2 - a2));

struct Filters {
  static constexpr int from = 3, to = 5;
  static INLINE void apply(const Vector* g, Vector* u) {
    const Vector even = atA * g[0] + (atA * a2) * g[2], odd = (atA * a) * g[1];
    const Vector even2 = atB * g[0] + (atB * b2) * g[2], odd2 = (atB * b) * g[1];
    u[0] = odd + even;
    u[1] = odd - even;
    u[2] = odd2 + even2;
    u[3] = odd2 - even2;
    u[4] = g[2];
  }
};

}  // namespace
