import { describe, expect, test } from "vitest";
import { expectSameOnThreads } from "../test/support/onThreads.js";
import { type Handle, native } from "./binding.js";
import { manualSeed } from "./device.js";
import { autocast } from "./modes.js";
import { randn, Tensor } from "./tensor.js";

/** Elsewhere than on processors with AVX512-BF16 it is oneDNN's. */
const elsewhere = !native().hasWinograd("bfloat16");

interface Shape {
  readonly size: readonly [n: number, h: number, w: number];
  readonly inputs: number;
  readonly outputs: number;
  readonly side: number;
  readonly dilation: number;
}

const SHAPES: readonly Shape[] = [
  { size: [1, 1, 1], inputs: 32, outputs: 32, side: 1, dilation: 1 },
  { size: [1, 1, 1], inputs: 32, outputs: 32, side: 3, dilation: 1 },
  { size: [2, 37, 61], inputs: 64, outputs: 33, side: 1, dilation: 1 },
  { size: [1, 14, 14], inputs: 160, outputs: 300, side: 1, dilation: 1 },
  { size: [2, 13, 9], inputs: 40, outputs: 36, side: 3, dilation: 1 },
  { size: [3, 17, 12], inputs: 33, outputs: 47, side: 3, dilation: 2 },
  { size: [2, 5, 130], inputs: 32, outputs: 40, side: 3, dilation: 3 },
  { size: [1, 5, 30], inputs: 70, outputs: 32, side: 3, dilation: 12 },
  { size: [1, 240, 7], inputs: 32, outputs: 32, side: 3, dilation: 4 },
  { size: [2, 9, 8], inputs: 40, outputs: 50, side: 5, dilation: 1 },
];

const lastly = (x: Tensor) => x.contiguous("channelsLast");
const wide = (x: Tensor) => x.to({ dtype: "float64" });
const narrow = (x: Tensor) => lastly(x).to({ dtype: "bfloat16" });

function made({ size: [n, h, w], inputs, outputs, side }: Shape) {
  manualSeed(h + w);
  const weight = randn([outputs, inputs, side, side]);
  return { x: narrow(randn([n, inputs, h, w])), weight, gradient: narrow(randn([n, outputs, h, w])) };
}

function paired({ x, weight, gradient }: ReturnType<typeof made>, dilation: number): Tensor {
  return new Tensor(native().bfloat16FilterGradient(x.handle, weight.handle, gradient.handle, dilation) as Handle);
}

/** The largest difference from float64's, in parts of its largest value. */
function error(found: Tensor, { x, weight, gradient }: ReturnType<typeof made>, { side, dilation }: Shape): number {
  const leaf = wide(weight);
  leaf.requiresGrad = true;
  const y = wide(x).conv2d(leaf, null, { padding: ((side - 1) / 2) * dilation, dilation });
  y.mul(wide(gradient)).sum().backward();
  return wide(found).sub(leaf.grad!).abs().max().item() / leaf.grad!.abs().max().item();
}

describe.skipIf(elsewhere)("the gradient of filters from bfloat16 is float64's within 5e-6", () => {
  test.each(SHAPES)("%j", (shape) => {
    const operands = made(shape);
    const found = paired(operands, shape.dilation);
    expect(found.dtype).toBe("float32");
    expect(error(found, operands, shape)).toBeLessThan(5e-6);
    const asOutputsLie = { ...operands, weight: lastly(operands.weight) };
    expect(paired(asOutputsLie, shape.dilation).toArray()).toEqual(found.toArray());
  });
});

test.skipIf(elsewhere)("its bits do not depend on the number of threads", () => {
  expectSameOnThreads(() => SHAPES.map((shape) => paired(made(shape), shape.dilation).toArray()));
});

test.skipIf(elsewhere)("it is for filters whose outputs are as large as inputs, of 32 channels and more", () => {
  const found = (side: readonly [number, number], inputs: number) => {
    const [x, weight, gradient] = [
      narrow(randn([1, inputs, 8, 8])),
      randn([32, inputs, ...side]),
      narrow(randn([1, 32, 8, 8])),
    ];
    return native().bfloat16FilterGradient(x.handle, weight.handle, gradient.handle, 1);
  };
  expect(found([3, 3], 32)).toBeDefined();
  for (const [side, inputs] of [
    [[2, 2], 32],
    [[3, 1], 32],
    [[3, 3], 31],
  ] as const)
    expect(found(side, inputs)).toBeUndefined();
});

describe.skipIf(elsewhere)("training under autocast takes it", () => {
  // The second is of few tiles, where Winograd's form multiplies little less.
  const shapes: readonly Shape[] = [
    { size: [2, 17, 17], inputs: 64, outputs: 96, side: 1, dilation: 1 },
    { size: [2, 17, 17], inputs: 64, outputs: 96, side: 3, dilation: 4 },
  ];
  test.each(shapes)("%j", (shape) => {
    const operands = made(shape);
    const [x, weight] = [operands.x.clone(), operands.weight.clone()];
    const bias = randn([shape.outputs]);
    for (const leaf of [x, weight, bias]) leaf.requiresGrad = true;
    const { side, dilation } = shape;
    const y = autocast({ dtype: "bfloat16" }, () =>
      x.conv2d(weight, bias, { padding: ((side - 1) / 2) * dilation, dilation }),
    );
    y.backward(operands.gradient);
    expect(weight.grad!.toArray()).toEqual(paired(operands, dilation).toArray());
    expect([y.dtype, x.grad!.dtype, bias.grad!.dtype]).toEqual(["bfloat16", "bfloat16", "float32"]);
    const of = x.grad!;
    const leaf = wide(operands.x);
    leaf.requiresGrad = true;
    leaf
      .conv2d(wide(operands.weight.to({ dtype: "bfloat16" })), null, { padding: ((side - 1) / 2) * dilation, dilation })
      .mul(wide(operands.gradient))
      .sum()
      .backward();
    expect(wide(of).sub(leaf.grad!).abs().max().item()).toBeLessThan(0.01 * leaf.grad!.abs().max().item());
  });
});
