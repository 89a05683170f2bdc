import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { expectSameOnThreads } from "../test/support/onThreads.js";
import { type Handle, native } from "./binding.js";
import { bfloat16Instructions, manualSeed } from "./device.js";
import { autocast, noGrad } from "./modes.js";
import { scope } from "./scope.js";
import { SGD } from "./sgd.js";
import { randn, Tensor } from "./tensor.js";

/** Elsewhere convolutions are libtorch's. */
const elsewhere = !native().hasWinograd("float32");
const elsewhereOfBfloat16 = !native().hasWinograd("bfloat16");
/** Which is faster at the direct form. */
const amx = existsSync("/proc/cpuinfo") && /\bamx_bf16\b/.test(readFileSync("/proc/cpuinfo", "utf8"));

const lastly = (x: Tensor) => x.contiguous("channelsLast");
const wide = (x: Tensor) => x.to({ dtype: "float64" });

/** The largest difference, in parts of the largest expected value. */
function relativeError(found: Tensor, expected: Tensor): number {
  expect(found.shape).toEqual(expected.shape);
  return wide(found).sub(wide(expected)).abs().max().item() / expected.abs().max().item();
}

/** The norm of the difference, in parts of that expected. */
function normError(found: Tensor, expected: Tensor): number {
  expect(found.shape).toEqual(expected.shape);
  const norm = (x: Tensor) => Math.sqrt(x.mul(x).sum().item());
  return norm(wide(found).sub(wide(expected))) / norm(wide(expected));
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

describe.skipIf(elsewhere)("Winograd's convolution is float64's direct one within 1e-5", () => {
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

describe.skipIf(elsewhere)("its gradients are float64's within 2e-5", () => {
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

test("in bfloat16 it takes the processor's instructions, and those that oneDNN may", () => {
  if (!bfloat16Instructions()) expect(elsewhereOfBfloat16).toBe(true);
});

describe.skipIf(elsewhereOfBfloat16)("in bfloat16 they are float64's within 0.012 of the norm", () => {
  const narrow = (x: Tensor) => x.to({ dtype: "bfloat16" });

  test.each(SHAPES)("%j", (shape) => {
    const { dilation, outputs } = shape;
    const { weight, ...rest } = made(shape);
    const [x, gradient] = [narrow(rest.x), narrow(rest.gradient)];
    const bias = narrow(randn([outputs]));
    const plain = wide(x).conv2d(wide(weight), null, { padding: dilation, dilation });
    const summed = plain.add(wide(bias).reshape(1, -1, 1, 1)).add(wide(gradient));
    const found = winograd(x, weight, dilation);
    expect(found.dtype).toBe("bfloat16");
    expect(normError(found, plain)).toBeLessThan(0.012);
    expect(normError(winograd(x, narrow(lastly(weight)), dilation), plain)).toBeLessThan(0.012);
    const limits = [0, 1.5] as const;
    const epilogue = { bias, residual: gradient, limits };
    expect(normError(winograd(x, weight, dilation, epilogue), summed.clamp(...limits))).toBeLessThan(0.012);
    const [ofInputs] = differentiated({ x, weight, gradient }, dilation);
    const leaf = wide(x);
    leaf.requiresGrad = true;
    const y = leaf.conv2d(wide(weight), null, { padding: dilation, dilation });
    y.mul(wide(gradient)).sum().backward();
    expect(normError(ofInputs, leaf.grad!)).toBeLessThan(0.012);
  });

  test("NaN and infinity spoil the tiles that read them, and no others", () => {
    const { weight, ...rest } = made({ size: [1, 14, 14], inputs: 32, outputs: 32, dilation: 1 });
    const x = narrow(rest.x);
    const expected = winograd(x, weight, 1).toArray();
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const spoilt = x.clone();
      spoilt.narrow(2, 7, 1).narrow(3, 7, 1).narrow(1, 5, 1).fill_(value);
      const found = winograd(spoilt, weight, 1, { limits: [0, 6] }).toArray();
      const whole = winograd(spoilt, weight, 1).toArray();
      for (const [i, one] of whole.entries()) {
        const [row, column] = [Math.floor(i / 14) % 14, i % 14];
        const near = Math.max(Math.abs(row - 7), Math.abs(column - 7));
        // Tiles of three outputs and a border of one.
        if (near <= 1) expect(Number.isFinite(one)).toBe(false);
        if (near > 4) expect(one).toBe(expected[i]);
        if (Number.isNaN(one)) expect(found[i]).toBeNaN();
      }
    }
  });
});

test.skipIf(elsewhere)("bits do not depend on the number of threads", () => {
  const shape: Shape = { size: [1, 60, 60], inputs: 64, outputs: 96, dilation: 2 };
  const operands = made(shape);
  const all = () =>
    (elsewhereOfBfloat16 ? (["float32"] as const) : (["float32", "bfloat16"] as const)).flatMap((dtype) => {
      const given = { ...operands, x: operands.x.to({ dtype }), gradient: operands.gradient.to({ dtype }) };
      return [winograd(given.x, given.weight, 2), ...differentiated(given, 2)].map((tensor) => tensor.toArray());
    });
  expectSameOnThreads(all);
});

describe.skipIf(elsewhere)("in training", () => {
  const bits = (tensors: readonly Tensor[]) => tensors.map((tensor) => tensor.toArray());

  test("a convolution is Winograd's where its shape suits, and else libtorch's", () => {
    const operands = made({ size: [2, 33, 33], inputs: 64, outputs: 64, dilation: 2 });
    const { x, weight, gradient } = operands;
    const bias = randn([64]);
    const options = { padding: 2, dilation: 2 };
    const direct = noGrad(() => x.conv2d(weight, bias, options));
    const own = winograd(x, weight, 2, { bias });
    const ownGradients = differentiated(operands, 2);
    for (const leaf of [x, weight, bias]) leaf.requiresGrad = true;
    const y = x.conv2d(weight, bias, options);
    y.mul(gradient).sum().backward();
    expect(bits([y, x.grad!, weight.grad!])).toEqual(bits([own, ...ownGradients]));
    expect(relativeError(y, direct)).toBeLessThan(1e-5);
    expect(bits([noGrad(() => x.conv2d(weight, bias, options))])).toEqual(bits([direct]));
    expect(relativeError(bias.grad!, gradient.sum([0, 2, 3]))).toBeLessThan(1e-5);
    // A tile of which little is inside.
    const few = randn([1, 64, 1, 1]);
    const expected = noGrad(() => few.conv2d(weight, null, options));
    expect(bits([few.conv2d(weight, null, options)])).toEqual(bits([expected]));
  });

  test("under autocast it is bfloat16's, but for the gradient of the filters", () => {
    const operands = made({ size: [2, 60, 60], inputs: 128, outputs: 128, dilation: 2 });
    const [x, gradient] = [operands.x, operands.gradient].map((tensor) => tensor.to({ dtype: "bfloat16" }));
    const bias = randn([128]);
    const under = (weight: Tensor, given: Tensor) =>
      autocast({ dtype: "bfloat16" }, () => given.conv2d(weight, bias, { padding: 2, dilation: 2 }));
    const leaves = () => [operands.x.clone(), operands.weight.clone()];
    const [image, weight] = leaves();
    for (const leaf of [image, weight]) leaf.requiresGrad = true;
    const y = under(weight, image);
    expect(y.dtype).toBe("bfloat16");
    y.mul(gradient).sum().backward();
    const direct = noGrad(() => under(operands.weight, x));
    expect(normError(y, direct)).toBeLessThan(0.01);
    const exact = leaves().map(wide);
    for (const leaf of exact) leaf.requiresGrad = true;
    exact[0].conv2d(exact[1], wide(bias), { padding: 2, dilation: 2 }).mul(wide(gradient)).sum().backward();
    expect(normError(image.grad!, exact[0].grad!)).toBeLessThan(0.01);
    expect(normError(weight.grad!, exact[1].grad!)).toBeLessThan(0.005);
    expect([image.grad!.dtype, weight.grad!.dtype]).toEqual(["float32", "float32"]);
    if (elsewhereOfBfloat16 || amx) return;
    const own = winograd(x, operands.weight, 2).add(bias.to({ dtype: "bfloat16" }).reshape(1, -1, 1, 1));
    const [ofInputs] = differentiated({ x, weight: operands.weight, gradient }, 2);
    expect(bits([y, image.grad!])).toEqual(bits([own, ofInputs.to({ dtype: "float32" })]));
  });

  test("twenty steps follow float64's within 1e-3", () => {
    const { x } = made({ size: [2, 40, 40], inputs: 32, outputs: 32, dilation: 1 });
    const first = [1, 2, 1].map(() => randn([32, 32, 3, 3]).mul(Math.sqrt(2 / 9 / 32)));
    const trained = (dtype: "float32" | "float64") => {
      const images = x.to({ dtype });
      const weights = first.map((weight) => weight.clone().to({ dtype }));
      for (const weight of weights) weight.requiresGrad = true;
      const optimiser = new SGD({ groups: [{ parameters: weights, lr: 0.5 }], momentum: 0.9, weightDecay: 1e-4 });
      for (let step = 0; step < 20; step++) {
        scope(() => {
          const y = weights.reduce((features, weight, i) => {
            const dilation = 1 + (i % 2);
            return features.conv2d(weight, null, { padding: dilation, dilation }).tanh();
          }, images);
          y.sub(images).pow(2).mean().backward();
          optimiser.step();
          optimiser.zeroGrad();
        });
      }
      return weights;
    };
    const [found, expected] = [trained("float32"), trained("float64")];
    for (const [i, weight] of expected.entries()) {
      const moved = weight.sub(wide(first[i]));
      expect(moved.abs().max().item()).toBeGreaterThan(1e-3);
      expect(relativeError(wide(found[i]).sub(wide(first[i])), moved)).toBeLessThan(1e-3);
    }
  });
});
