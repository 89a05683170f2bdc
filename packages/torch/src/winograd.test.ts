import { describe, expect, test } from "vitest";
import { type Handle, native } from "./binding.js";
import { manualSeed, numThreads, setNumThreads } from "./device.js";
import { noGrad } from "./modes.js";
import { randn, Tensor } from "./tensor.js";

const lastly = (x: Tensor) => x.contiguous("channelsLast");
const wide = (x: Tensor) => x.to({ dtype: "float64" });

/** The largest difference, in parts of the largest expected value. */
function relativeError(found: Tensor, expected: Tensor): number {
  expect(found.shape).toEqual(expected.shape);
  return wide(found).sub(wide(expected)).abs().max().item() / expected.abs().max().item();
}

interface Shape {
  readonly size: readonly [n: number, h: number, w: number];
  readonly inputs: number;
  readonly outputs: number;
  readonly dilation: number;
}

const SHAPES: readonly Shape[] = [
  { size: [1, 1, 1], inputs: 32, outputs: 32, dilation: 1 },
  { size: [1, 3, 2], inputs: 32, outputs: 64, dilation: 1 },
  { size: [2, 13, 9], inputs: 40, outputs: 36, dilation: 1 },
  { size: [3, 17, 11], inputs: 33, outputs: 47, dilation: 2 },
  { size: [1, 15, 16], inputs: 64, outputs: 65, dilation: 4 },
  { size: [1, 5, 30], inputs: 70, outputs: 32, dilation: 12 },
  { size: [2, 60, 61], inputs: 64, outputs: 96, dilation: 1 },
  { size: [1, 24, 24], inputs: 288, outputs: 160, dilation: 2 },
];

function made({ size: [n, h, w], inputs, outputs }: Shape) {
  manualSeed(h + w);
  const weight = randn([outputs, inputs, 3, 3]).mul(Math.sqrt(2 / 9 / inputs));
  return { x: lastly(randn([n, inputs, h, w]).relu()), weight, gradient: lastly(randn([n, outputs, h, w])) };
}

/** Bias, residual and limits of a step of a plan. */
interface Epilogue {
  readonly bias?: Tensor;
  readonly residual?: Tensor;
  readonly limits?: readonly [low: number, high: number];
}

function winograd(x: Tensor, weight: Tensor, dilation: number, epilogue: Epilogue = {}): Tensor {
  const { bias, residual, limits: [low, high] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] } = epilogue;
  const given = [x.handle, weight.handle, bias?.handle, residual?.handle, dilation, low, high];
  return new Tensor(native().winogradConv2d(...given) as Handle);
}

/** Winograd's output, and the gradients of inputs and filters when its own is `gradient`. */
function differentiated({ x, weight, gradient }: ReturnType<typeof made>, dilation: number): Tensor[] {
  const given = [x.handle, weight.handle, gradient.handle, dilation];
  return (native().winogradGradients(...given) as Handle[]).map((handle) => new Tensor(handle));
}

describe("Winograd's convolution is float64's direct one within 1e-5", () => {
  test.each(SHAPES)("%j", (shape) => {
    const { x, weight, gradient: residual } = made(shape);
    const { dilation, outputs } = shape;
    const bias = randn([outputs]);
    const plain = wide(x).conv2d(wide(weight), null, { padding: dilation, dilation });
    const summed = plain.add(wide(bias).reshape(1, -1, 1, 1)).add(wide(residual));
    expect(relativeError(winograd(x, weight, dilation), plain)).toBeLessThan(1e-5);
    expect(relativeError(winograd(x, lastly(weight), dilation), plain)).toBeLessThan(1e-5);
    expect(relativeError(winograd(x, weight, dilation, { bias, residual }), summed)).toBeLessThan(1e-5);
    const limits = [0, 1.5] as const;
    const limited = summed.clamp(...limits);
    expect(relativeError(winograd(x, weight, dilation, { bias, residual, limits }), limited)).toBeLessThan(1e-5);
  });
});

describe("its gradients are float64's within 2e-5", () => {
  test.each(SHAPES)("%j", (shape) => {
    const operands = made(shape);
    const [x, weight] = [wide(operands.x), wide(operands.weight)];
    for (const leaf of [x, weight]) leaf.requiresGrad = true;
    const y = x.conv2d(weight, null, { padding: shape.dilation, dilation: shape.dilation });
    y.mul(wide(operands.gradient)).sum().backward();
    const [ofInputs, ofWeight] = differentiated(operands, shape.dilation);
    expect(relativeError(ofInputs, x.grad!)).toBeLessThan(2e-5);
    expect(relativeError(ofWeight, weight.grad!)).toBeLessThan(2e-5);
  });
});

test("bits do not depend on the number of threads", () => {
  const shape: Shape = { size: [1, 60, 60], inputs: 64, outputs: 96, dilation: 2 };
  const operands = made(shape);
  const all = () =>
    [winograd(operands.x, operands.weight, 2), ...differentiated(operands, 2)].map((tensor) => tensor.toArray());
  const threads = numThreads();
  const expected = all();
  for (const count of [1, 3]) {
    setNumThreads(count);
    expect(all()).toEqual(expected);
  }
  setNumThreads(threads);
});

test("in training a convolution is Winograd's where its shape suits, with its bias, and else libtorch's", () => {
  const shape: Shape = { size: [2, 33, 33], inputs: 64, outputs: 64, dilation: 2 };
  const { x, weight, gradient } = made(shape);
  const bias = randn([64]);
  const options = { padding: 2, dilation: 2 };
  const direct = noGrad(() => x.conv2d(weight, bias, options));
  for (const leaf of [x, weight, bias]) leaf.requiresGrad = true;
  const y = x.conv2d(weight, bias, options);
  expect(relativeError(y, direct)).toBeLessThan(1e-5);
  y.mul(gradient).sum().backward();
  const [ofInputs, ofWeight] = differentiated({ x, weight, gradient }, 2);
  expect(relativeError(x.grad!, ofInputs)).toBeLessThan(1e-5);
  expect(relativeError(weight.grad!, ofWeight)).toBeLessThan(1e-5);
  expect(relativeError(bias.grad!, gradient.sum([0, 2, 3]))).toBeLessThan(1e-5);
  // Two tiles of which most is outside.
  const few = { x: randn([1, 64, 1, 1]), weight };
  few.x.requiresGrad = true;
  expect(few.x.conv2d(few.weight, null, options).shape).toEqual([1, 64, 1, 1]);
});
