/**
 * A 3x3 convolution as products of tiles: Winograd's F(4x4, 3x3), after Lavin and Gray (arXiv 1509.09308), 36 multiplications for the
 * 144 of an output tile. A dilation of d is d x d convolutions of pixels d apart, which become images of their own. In operators that
 * every runtime has; it pays where these multiply slowly beside memory, as WebAssembly does.
 */
import type { Node } from "../graph/graph.js";
import { arithmetic } from "./arithmetic.js";
import type { LoweringContext, Side } from "./context.js";

/** Of a side of a tile of outputs, and of the inputs that it sees. */
const [TILE, SEEN] = [4, 6];

/** With fewer channels the transforms cost what the products save. */
const LEAST_CHANNELS = 128;

/** Inputs, kernels and outputs of one dimension, at the points 0, 1, -1, 2, -2 and infinity. */
const INPUT = [
  [4, 0, -5, 0, 1, 0],
  [0, -4, -4, 1, 1, 0],
  [0, 4, -4, -1, 1, 0],
  [0, -2, -1, 2, 1, 0],
  [0, 2, -1, -2, 1, 0],
  [0, 4, 0, -5, 0, 1],
];
const KERNEL = [
  [1 / 4, 0, 0],
  [-1 / 6, -1 / 6, -1 / 6],
  [-1 / 6, 1 / 6, -1 / 6],
  [1 / 24, 1 / 12, 1 / 6],
  [1 / 24, -1 / 12, 1 / 6],
  [0, 0, 1],
];
const OUTPUT = [
  [1, 1, 1, 1, 1, 0],
  [0, 1, -1, 2, -2, 0],
  [0, 1, 1, 4, 4, 0],
  [0, 1, -1, 8, -8, 1],
];

/** Whether {@link winograd} can say a convolution, and is worth it. */
export function suitsWinograd(context: LoweringContext, { inputs, attributes }: Node<"conv2d">): boolean {
  const { stride, padding, dilation, groups } = attributes;
  const [cout, cin, ...kernel] = context.shapeOf(inputs[1]) as number[];
  const plain = stride === 1 && groups === 1 && padding === dilation && kernel.every((side) => side === 3);
  return plain && Math.min(cin, cout) >= LEAST_CHANNELS && context.dtype === "float32";
}

/** Adds the nodes of a convolution with its bias, if there is one; gives the name of its result, `output`. */
export function winograd(context: LoweringContext, { inputs, attributes }: Node<"conv2d">, output: string): string {
  const { builder } = context;
  const [x, weight, bias = ""] = inputs;
  const { dilation } = attributes;
  const [cout, cin] = context.shapeOf(weight) as number[];
  const named = (part: string) => `${output}.${part}`;
  const node = (operator: string, values: readonly string[], part: string, attributes = {}) =>
    builder.node(operator, values, { output: named(part), attributes });
  const reshaped = (value: string, shape: readonly number[], part: string) =>
    node("Reshape", [value, builder.integers(shape)], part);

  let images = context.input(x);
  if (dilation > 1) {
    const padded = wholePhases(context, x, dilation, named("padded"));
    const phases = node("SpaceToDepth", [padded], "phases", { blocksize: dilation });
    images = reshaped(phases, [-1, cin, 0, 0], "images");
  }
  const points = SEEN ** 2;
  const patch = both(INPUT);
  const patches = new Float32Array(cin * patch.length);
  for (let channel = 0; channel < cin; channel++) patches.set(patch, channel * patch.length);
  const tiles = node(
    "Conv",
    [images, builder.floats(`winograd.input_${cin}`, patches, { shape: [cin * points, 1, SEEN, SEEN] })],
    "tiles",
    {
      kernel_shape: [SEEN, SEEN],
      strides: [TILE, TILE],
      // As many tiles as it takes to cover the image, for every size.
      pads: [1, 1, TILE, TILE],
      group: cin,
    },
  );
  const split = reshaped(tiles, [0, cin, points, -1], "points");
  const ordered = node("Transpose", [split], "ordered", { perm: [2, 1, 0, 3] });
  const values = reshaped(ordered, [0, 0, -1], "values");

  const kernels = reshaped(context.input(weight), [cout * cin, 9], "kernels");
  const G = builder.floats("winograd.kernel", both(KERNEL), { shape: [points, 9] });
  const columns = node("Transpose", [kernels], "columns", { perm: [1, 0] });
  const factors = reshaped(node("MatMul", [G, columns], "factor"), [points, cout, cin], "factors");

  const products = reshaped(node("MatMul", [factors, values], "product"), [points, -1], "products");
  const A = builder.floats("winograd.output", both(OUTPUT), { shape: [TILE ** 2, points] });
  const shape = node("Shape", [tiles], "shape");
  const sides = node("Gather", [shape, builder.integers([0, 2, 3])], "sides");
  const size = node("Concat", [builder.integers([TILE ** 2 * cout]), sides], "size", { axis: 0 });
  const results = node("Reshape", [node("MatMul", [A, products], "result"), size], "results");
  const blocks = node("Transpose", [results], "blocks", { perm: [1, 0, 2, 3] });
  let whole = node("DepthToSpace", [blocks], "whole", { blocksize: TILE });
  if (dilation > 1) {
    const phases = reshaped(whole, [-1, dilation ** 2 * cout, 0, 0], "whole.phases");
    whole = node("DepthToSpace", [phases], "interleaved", { blocksize: dilation });
  }
  const [begin, axes] = [builder.integers([0, 0]), builder.integers([2, 3])];
  const end = node(
    "Concat",
    [2, 3].map((dim) => context.sideList(x, dim)),
    "end",
    { axis: 0 },
  );
  const cut = builder.node("Slice", [whole, begin, end, axes], { output: bias ? named("cut") : output });
  if (!bias) return cut;
  return builder.node("Add", [cut, context.constant(bias, `${bias}.column`, [cout, 1, 1])], { output });
}

/** A value with zeros on its right and bottom up to sides that `step` divides. */
function wholePhases(context: LoweringContext, x: string, step: number, output: string): string {
  const { builder } = context;
  const { math } = arithmetic(context, `${output}.sides`);
  const missing = (side: Side) =>
    math(math(math("Floor", math(math(side, "+", step - 1), "/", step)), "*", step), "-", side);
  const lists = context.sides(x).map((side, i) => {
    const list = builder.cast(missing(side), "int64", `${output}.missing_${i}`);
    return builder.node("Reshape", [list, builder.integers([1])], { output: `${output}.list_${i}` });
  });
  const pads = builder.node("Concat", [builder.integers([0, 0, 0, 0, 0, 0]), ...lists], {
    output: `${output}.pads`,
    attributes: { axis: 0 },
  });
  return builder.node("Pad", [context.input(x), pads], { output });
}

/** A transform of both dimensions: `[rows * rows, columns * columns]`, the Kronecker product with itself. */
function both(matrix: readonly (readonly number[])[]): Float32Array {
  const rows = matrix.flatMap((first) => matrix.map((second) => first.flatMap((a) => second.map((b) => a * b))));
  return Float32Array.from(rows.flat());
}
