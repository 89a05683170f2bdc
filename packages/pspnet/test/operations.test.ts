/**
 * Every operation of core's `Tensor` that PSPNet-50 does not need, and its gradients, against PyTorch's:
 * `scripts/golden/make_operations_golden.py` recorded the other side. Then the same traced: as a plan and in onnxruntime-node.
 */
import { readFile } from "node:fs/promises";
import {
  type AvgPool2dOptions,
  type Conv2dOptions,
  type Tensor as CoreTensor,
  type Dim,
  type Graph,
  optimise,
  type Padding,
  PRECISIONS,
  readSafetensors,
  Sequential,
} from "@pspnet/core";
import { type GraphTensor, graphBackend, inferShapes, symbol, trace } from "@pspnet/core/graph";
import { noGrad, Plan, scope, type Tensor, tensor } from "@pspnet/torch";
import { describe, expect, test } from "vitest";
import { answer, modelOf, onnxRuntime, open, relativeError } from "./support/onnx.js";
import { elements, uniform } from "./support/reproducible.js";

type Options = Readonly<Record<string, unknown>>;
type Shapes = Readonly<Record<string, readonly number[]>>;

/** As recorded: the operation on `x`, its other inputs in their order. */
interface Case {
  readonly operation: keyof typeof OPERATIONS;
  readonly options: Options;
  readonly shapes: Shapes;
}

type Operation = <T extends CoreTensor>(x: T, options: Options, others: readonly T[]) => T;

const OPERATIONS = {
  conv2d: (x, options, [weight, bias = null]) => x.conv2d(weight, bias, options as Conv2dOptions),
  batchNorm: (x, { eps }, [weight, bias, mean, variance]) =>
    x.batchNorm(weight, bias, mean, variance, { training: false, momentum: 0, eps: eps as number }),
  relu6: (x) => x.relu6(),
  prelu: (x, _, [weight]) => x.prelu(weight),
  logSoftmax: (x, { dim }) => x.logSoftmax(dim as number),
  linear: (x, _, [weight, bias = null]) => x.linear(weight, bias),
  maxPool2d: (x, options) => x.maxPool2d(options as unknown as AvgPool2dOptions),
  avgPool2d: (x, options) => x.avgPool2d(options as unknown as AvgPool2dOptions),
  adaptiveAvgPool2d: (x, { bins }) => x.adaptiveAvgPool2d(bins as number),
  pad: (x, { padding }) => x.pad(padding as Padding),
  resizeBy: (x, { factor, alignCorners }) => x.resizeBy(factor as number, { alignCorners: alignCorners as boolean }),
} satisfies Readonly<Record<string, Operation>>;

const file = new URL("golden/operations.safetensors", import.meta.url);
const { metadata, tensors } = readSafetensors(await readFile(file));
const CASES = (JSON.parse(metadata.cases) as Case[]).map((told, i) => ({ ...told, name: `case ${i}` }));
const recorded = (name: string) => tensors.get(name)!;

/** The numbers that the script makes: on both sides of 0 and of 6, variances above 0. */
function valuesOf(name: string, input: string, shape: readonly number[]): Float32Array {
  const numbers = uniform(`${name} ${input}`, elements(shape));
  return Float32Array.from(numbers, (u) => (input === "variance" ? 1.5 + u : input === "x" ? 8 * u : u));
}

type Named = Case & { readonly name: string };

const inputsOf = ({ name, shapes }: Named) =>
  Object.entries(shapes).map(([input, shape]) => ({ input, shape, data: valuesOf(name, input, shape) }));

/** With all but the channels open. */
function traced(shape: readonly number[], forward: (x: GraphTensor) => GraphTensor): Graph {
  const dims = shape.map((size, i): Dim => (i === 1 ? size : symbol("nchw"[i])));
  return trace(new Sequential().eval(), { name: "image", shape: dims }, (x) => ({ y: forward(x) }));
}

/** The result of the graph's every form on `x`, with what it may be off by. */
async function* runs(graph: Graph, x: Float32Array, shape: readonly number[]) {
  for (const form of [graph, optimise(graph)]) {
    for (const precision of PRECISIONS) {
      using plan = new Plan(form, { precision, usualSize: [shape[2] ?? 1, shape[3] ?? 1] });
      // A size's weights and memory are laid out the second time, and used from the third on.
      for (let i = 0; i < 2; i++) (await plan.run(tensor(x, shape))).dispose();
      const found = await plan.run(tensor(x, shape));
      yield { by: `plan in ${precision}`, found, tolerance: precision === "fp32" ? 1e-5 : 0.02 };
    }
    if (!onnxRuntime) continue;
    const { data, dims } = await answer(await open(modelOf(form)), { dtype: "float32", data: x, shape });
    yield { by: "onnxruntime", found: tensor(data as Float32Array, dims), tolerance: 1e-5 };
  }
}

const sizeOf = (dim: Dim, [n, , h, w]: readonly number[]): number => {
  if (typeof dim === "number") return dim;
  const value = { n, h, w }[dim.symbol]!;
  return Math.floor((value + dim.offset) / dim.divisor) * dim.factor + dim.rest;
};

const label = ({ operation, options, shapes }: Case) => `${operation} ${JSON.stringify(options)} of [${shapes.x}]`;

describe.each(CASES.map((told) => [label(told), told] as const))("%s", (_label, told) => {
  const { operation, options, shapes, name } = told;
  const given = inputsOf(told);
  const apply: Operation = (x, given, others) => OPERATIONS[operation](x, given, others);
  const y = recorded(`${name}.y`);

  test("and its gradients are PyTorch's", () => {
    scope(() => {
      const inputs = given.map(({ data, shape }) => tensor(data, shape));
      for (const [i, { input }] of given.entries()) inputs[i].requiresGrad = recorded(`${name}.${input}`) !== undefined;
      const found = apply(inputs[0], options, inputs.slice(1));
      expect(found.shape).toEqual(y.shape);
      expect(relativeError(found.toNumbers(), y.float32())).toBeLessThan(1e-5);
      found.backward(tensor(Float32Array.from(uniform(`${name} gradient`, elements(y.shape))), y.shape));
      for (const [i, { input }] of given.entries()) {
        if (!inputs[i].requiresGrad) continue;
        const expected = recorded(`${name}.${input}`).float32();
        expect(relativeError(inputs[i].grad!.toNumbers(), expected), input).toBeLessThan(1e-5);
      }
    });
  });

  test("traced, it has these sizes and values", async () => {
    const others = given.slice(1).map(({ data, shape }) => graphBackend.tensor(data, shape));
    const graph = traced(shapes.x, (x) => apply(x, options, others));
    const dims = inferShapes(graph).get(graph.outputs.get("y")!)!;
    expect(dims.map((dim) => sizeOf(dim, shapes.x))).toEqual(y.shape);
    for await (const { by, found, tolerance } of runs(graph, given[0].data, shapes.x)) {
      expect(found.shape, by).toEqual(y.shape);
      expect(relativeError(found.toNumbers(), y.float32()), by).toBeLessThan(tolerance);
    }
  });
});

describe("what the passes make of several", () => {
  const SHAPE = [2, 16, 9, 11];

  /** Weights by name, the same for both kinds of tensor. */
  class Weights<T extends CoreTensor> {
    #count = 0;

    constructor(readonly make: (data: Float32Array, shape: readonly number[]) => T) {}

    next(shape: readonly number[], { centre = 0, spread = 1 } = {}): T {
      const numbers = uniform(`weights ${this.#count++}`, elements(shape));
      return this.make(
        Float32Array.from(numbers, (u) => centre + spread * u),
        shape,
      );
    }

    conv(x: T, [output, seen, kernel]: readonly number[], options: Conv2dOptions): T {
      const spread = Math.sqrt(3 / (seen * kernel * kernel));
      return x.conv2d(this.next([output, seen, kernel, kernel], { spread }), null, options);
    }

    norm(x: T): T {
      const shape = [x.shape[1]];
      const [gain, shift, mean] = [this.next(shape, { centre: 1, spread: 0.5 }), this.next(shape), this.next(shape)];
      const variance = this.next(shape, { centre: 1, spread: 0.5 });
      return x.batchNorm(gain, shift, mean, variance, { training: false, momentum: 0, eps: 1e-5 });
    }
  }

  type Network = <T extends CoreTensor>(x: T, weights: Weights<T>) => T;

  const NETWORKS: Readonly<Record<string, { readonly network: Network; readonly operators: readonly string[] }>> = {
    "an inverted residual": {
      network(x, weights) {
        const expanded = weights.norm(weights.conv(x, [32, 16, 1], {})).relu6();
        const depthwise = weights.norm(weights.conv(expanded, [32, 1, 3], { padding: 2, dilation: 2, groups: 32 }));
        return weights.norm(weights.conv(depthwise.relu6(), [16, 32, 1], {})).add(x);
      },
      operators: ["conv2d", "conv2d", "conv2d"],
    },
    "a sum that ReLU6 limits": {
      network: (x, weights) => weights.conv(x, [16, 8, 3], { padding: 1, groups: 2 }).add(x).relu6(),
      operators: ["conv2d"],
    },
    "dense layers, normalised before they convolve": {
      network(x, weights) {
        let features = x;
        for (let i = 0; i < 3; i++) {
          const inner = weights.conv(weights.norm(features).relu(), [32, 16 + 8 * i, 1], {});
          const more = weights.conv(weights.norm(inner).relu(), [8, 32, 3], { padding: 1 });
          features = features.cat([more], 1);
        }
        const transition = weights.conv(weights.norm(features).relu(), [12, 40, 1], {});
        return transition.avgPool2d({ kernelSize: 2, stride: 2 });
      },
      operators: [
        ...["scaleChannels", "conv2d", "conv2d", "cat", "scaleChannels", "conv2d", "conv2d", "cat"],
        ...["scaleChannels", "conv2d", "conv2d", "cat", "scaleChannels", "conv2d", "avgPool2d"],
      ],
    },
    "a norm that two read, one of them after ReLU6": {
      network(x, weights) {
        const normalised = weights.norm(x);
        return weights.norm(normalised).relu6().add(normalised);
      },
      operators: ["scaleChannels", "scaleChannels", "add"],
    },
    "a learned enlargement to log-probabilities": {
      network(x, weights) {
        const larger = weights.conv(x.resizeBy(2, { alignCorners: false }), [8, 16, 3], { padding: 1 });
        return weights
          .norm(larger)
          .prelu(weights.next([8]))
          .logSoftmax(1);
      },
      operators: ["resizeBy", "conv2d", "prelu", "logSoftmax"],
    },
  };

  test("a number that is none is not hidden by ReLU", async () => {
    const x = Float32Array.of(1, Number.NaN, -1, Number.POSITIVE_INFINITY);
    const graph = traced([1, 1, 2, 2], (image) => new Weights(graphBackend.tensor).norm(image).relu());
    for await (const { by, found } of runs(graph, x, [1, 1, 2, 2])) {
      expect(found.toNumbers().map(Number.isFinite), by).toEqual([true, false, true, false]);
    }
  });

  test.each(Object.entries(NETWORKS))("%s", async (name, { network, operators }) => {
    const x = Float32Array.from(uniform(name, elements(SHAPE)), (u) => 4 * u);
    const weights = new Weights<Tensor>((data, shape) => tensor(data, shape));
    const expected = noGrad(() => network(tensor(x, SHAPE), weights));
    const graph = traced(SHAPE, (image) => network(image, new Weights(graphBackend.tensor)));
    expect(optimise(graph).nodes.map(({ operator }) => operator)).toEqual(operators);
    for await (const { by, found, tolerance } of runs(graph, x, SHAPE)) {
      expect(found.shape, by).toEqual(expected.shape);
      expect(relativeError(found.toNumbers(), expected.toNumbers()), by).toBeLessThan(tolerance);
    }
  });
});
