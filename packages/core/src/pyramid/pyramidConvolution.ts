import type { Conv2d } from "../nn/layers.js";
import type { InterpolateOptions, Tensor } from "../tensor/tensor.js";

/**
 * The convolution of the concatenated features and enlarged levels, which it neither enlarges nor concatenates.
 *
 * Enlarging (`U p V^T`) and convolving are both linear, so they commute: the weights of a level are applied to its few cells,
 * `T = W p`, and the products, one for each tap, are enlarged and summed,
 *
 *     conv(concat[x, U_b p_b V_b^T]; W) = conv(x; W_x) + sum over levels of A_b T_b B_b^T,
 *
 * where `A` and `B` are `U` and `V` with a column for each tap, {@link enlargeMatrix}. The paper's head needs half of the
 * multiply-adds so, and no map of 4096 channels.
 *
 * @param x features, `[n, c, h, w]`
 * @param levels the pyramid in the order of the concatenation: `[n, c_b, bins_b, bins_b]` each
 * @param convolution of an odd kernel with `c + sum of c_b` inputs; stride 1, no dilation, zero padding that keeps the size
 * @param features whether x stands before the levels in the concatenation, or after
 * @returns `[n, output, h, w]`
 */
export function pyramidConvolution<T extends Tensor>(
  x: T,
  { levels, convolution, features, alignCorners }: PyramidConvolutionOptions<T>,
): T {
  const weight = convolution.weight.as<T>();
  const bias = convolution.bias?.as<T>() ?? null;
  const taps = weight.shape[2];
  const own = x.shape[1];
  const channels = levels.map(({ shape }) => shape[1]);
  const parts = weight.split(features === "first" ? [own, ...channels] : [...channels, own], 1);
  const ownPart = (features === "first" ? parts.shift() : parts.pop())!;
  const enlarge = (level: T, dim: number) => x.enlargeMatrix(dim, { bins: level.shape[2], taps, alignCorners });
  const rows = levels.map((level, i) => spread(level, parts[i], enlarge(level, 2)));
  const columns = levels.map((level) => enlarge(level, 3));
  const pyramid = join(columns, 2).matmul(join(rows, 2)); // [n, h, w, output]
  return x.conv2d(ownPart, bias, { padding: (taps - 1) / 2 }).add(pyramid.permute(0, 3, 1, 2));
}

export interface PyramidConvolutionOptions<T extends Tensor> extends InterpolateOptions {
  readonly levels: readonly T[];
  readonly convolution: Conv2d;
  readonly features: "first" | "last";
}

/** A level after its share of the weights, enlarged to the height: `[n, h, taps * bins, output]`. `rows` is `[1, h, taps * bins]`. */
function spread<T extends Tensor>(level: T, weight: T, rows: T): T {
  const bins = level.shape[2];
  const [output, , taps] = weight.shape;
  const cells = level.flatten(2, 3).permute(0, 2, 1); // [n, bins * bins, c]
  const kernel = weight.permute(0, 2, 3, 1).flatten(0, 2).permute(1, 0); // [c, output * taps * taps]
  const products = cells
    .matmul(kernel)
    .unflatten(1, [bins, bins])
    .unflatten(3, [output, taps, taps]) // [n, i, j, output, dy, dx]
    .permute(0, 4, 1, 5, 2, 3)
    .flatten(1, 2)
    .flatten(2, 4); // [n, (dy, i), (dx, j, output)]
  return rows.matmul(products).unflatten(2, [taps * bins, output]);
}

function join<T extends Tensor>([first, ...rest]: readonly T[], dim: number): T {
  return rest.length === 0 ? first : first.cat(rest, dim);
}
