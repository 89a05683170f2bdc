import { describe, expect, test } from "vitest";
import { manualSeed, numThreads, setNumThreads } from "./device.js";
import { randn, type Tensor, zeros } from "./tensor.js";

type DType = "float32" | "bfloat16" | "float64";

const as = (x: Tensor, dtype: DType) => x.to({ dtype });
const lastly = (x: Tensor) => x.contiguous("channelsLast");

/** The largest difference, in parts of the largest expected value. */
function relativeError(found: Tensor, expected: Tensor): number {
  expect(found.shape).toEqual(expected.shape);
  const difference = as(found, "float64").sub(as(expected, "float64"));
  return difference.abs().max().item() / expected.abs().max().item();
}

/** Many channels of few pixels, few of many, channels that are no multiple of a vector, and fewer than one. */
const SHAPES = [
  [2, 512, 3, 5],
  [1, 16, 120, 130],
  [3, 37, 19, 23],
  [2, 5, 9, 7],
  [4, 2048, 2, 3],
] as const;

interface Operands {
  readonly x: Tensor;
  readonly residual: Tensor;
  readonly gradient: Tensor;
  readonly vectors: readonly [weight: Tensor, bias: Tensor, runningMean: Tensor, runningVar: Tensor];
}

/** Means of channels are large beside their deviations; what `dtype` cannot hold is not there. */
function made([n, c, h, w]: readonly [number, number, number, number], dtype: DType = "float32"): Operands {
  manualSeed(c + h);
  const channel = (x: Tensor) => x.reshape(1, c, 1, 1);
  const map = () => lastly(as(as(randn([n, c, h, w]), dtype), "float32"));
  const x = randn([n, c, h, w])
    .mul(channel(randn([c]).exp()))
    .add(channel(randn([c]).mul(5)));
  return {
    x: lastly(as(as(x, dtype), "float32")),
    residual: map(),
    gradient: map(),
    vectors: [randn([c]), randn([c]), randn([c]), randn([c]).exp()],
  };
}

const pairs = <A, B>(a: readonly A[], b: readonly B[]) => a.map((value, i) => [value, b[i]] as const);

interface Application {
  readonly training: boolean;
  readonly relu: boolean;
  readonly residual: boolean;
}

/** Output, gradients of inputs, residual, weight and bias, and running statistics, computed in `dtype`; by libtorch's operations in float64. */
function applied({ x, residual, gradient, vectors }: Operands, { training, relu, ...has }: Application, dtype: DType) {
  const exact = dtype === "float64";
  const copy = (tensor: Tensor, type: DType) => as(tensor.clone(), type).clone();
  const [input, added] = [copy(x, dtype), copy(residual, dtype)].map(lastly);
  const state = vectors.map((vector) => copy(vector, exact ? dtype : "float32")) as [Tensor, Tensor, Tensor, Tensor];
  const leaves = [input, added, state[0], state[1]];
  for (const leaf of leaves) leaf.requiresGrad = true;
  const options = { training, momentum: 0.1, eps: 1e-5 };
  const shortcut = has.residual ? added : null;
  const y = (() => {
    if (!exact && relu) return input.batchNormRelu(...state, shortcut, options);
    const normalised = input.batchNorm(...state, options);
    if (!relu) return normalised;
    return (shortcut === null ? normalised : normalised.add(shortcut)).relu();
  })();
  y.backward(lastly(as(gradient, dtype)));
  const gradients = leaves.filter((leaf) => leaf !== added || has.residual).map((leaf) => leaf.grad!);
  return { y, gradients, statistics: state.slice(2) };
}

const APPLICATIONS: readonly Application[] = [true, false].flatMap((training) => [
  { training, relu: false, residual: false },
  { training, relu: true, residual: false },
  { training, relu: true, residual: true },
]);

describe.each(APPLICATIONS)("batch norm, %j, equals float64's batch norm, sum and ReLU", (application) => {
  test.each(SHAPES)("in float32 within 1e-6, its gradients within 1e-5: %i x %i x %i x %i", (...shape) => {
    const operands = made(shape);
    const [found, expected] = [applied(operands, application, "float32"), applied(operands, application, "float64")];
    expect(relativeError(found.y, expected.y)).toBeLessThan(1e-6);
    for (const [gradient, exact] of pairs(found.gradients, expected.gradients))
      expect(relativeError(gradient, exact)).toBeLessThan(1e-5);
    for (const [statistic, exact] of pairs(found.statistics, expected.statistics))
      expect(relativeError(statistic, exact)).toBeLessThan(1e-6);
  });

  test.each(SHAPES)("in bfloat16 as nearly as that can be written: %i x %i x %i x %i", (...shape) => {
    const operands = made(shape, "bfloat16");
    const [found, expected] = [applied(operands, application, "bfloat16"), applied(operands, application, "float64")];
    expect(found.y.dtype).toBe("bfloat16");
    expect(found.gradients[0].dtype).toBe("bfloat16");
    for (const [tensor, exact] of [[found.y, expected.y] as const, ...pairs(found.gradients, expected.gradients)])
      expect(relativeError(tensor, exact)).toBeLessThan(2 ** -8);
    for (const [statistic, exact] of pairs(found.statistics, expected.statistics))
      expect(relativeError(statistic, exact)).toBeLessThan(1e-6);
  });
});

test("bits do not depend on the number of threads", () => {
  const operands = made([2, 64, 65, 65]);
  const bits = () => {
    const { y, gradients, statistics } = applied(operands, { training: true, relu: true, residual: true }, "float32");
    return [y, ...gradients, ...statistics].map((tensor) => tensor.toArray());
  };
  const threads = numThreads();
  const expected = bits();
  for (const count of [1, 3]) {
    setNumThreads(count);
    expect(bits()).toEqual(expected);
  }
  setNumThreads(threads);
});

test("features that lie otherwise in memory go through libtorch's operations", () => {
  const { x, residual, vectors } = made([2, 32, 9, 7]);
  const options = { training: false, momentum: 0.1, eps: 1e-5 };
  const [plain, added] = [x, residual].map((tensor) => tensor.contiguous());
  const y = plain.batchNormRelu(...vectors, added, options);
  expect(y.isContiguous()).toBe(true);
  expect(
    y.equal(
      plain
        .batchNorm(...vectors, options)
        .add(added)
        .relu(),
    ),
  ).toBe(true);
  expect(relativeError(x.batchNormRelu(...vectors, residual, options), y)).toBeLessThan(1e-6);
  expect(x.batchNormRelu(...vectors, added, options).equal(y)).toBe(true);
});

test("what is no number stays none, forward and backward", () => {
  const operands = made([2, 16, 9, 7]);
  const nan = zeros([2, 16, 9, 7]);
  nan.select(1, 3).fill_(Number.NaN);
  const application = { training: true, relu: true, residual: false };
  const { y, gradients } = applied({ ...operands, x: lastly(operands.x.add(nan)) }, application, "float32");
  for (const tensor of [y, gradients[0]]) {
    const finite = tensor.isfinite().to({ dtype: "float32" }).sum([0, 2, 3]).toNumbers();
    expect(finite).toEqual(Array.from({ length: 16 }, (_, channel) => (channel === 3 ? 0 : 2 * 9 * 7)));
  }
});
