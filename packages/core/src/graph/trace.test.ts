import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEPTHS } from "../backbone/resnet.js";
import { type NetworkFields, pspnetConfig } from "../model/config.js";
import { PSPNet } from "../model/pspnet.js";
import { Conv2d, Dropout2d, ReLU, Sequential } from "../nn/layers.js";
import { initialise } from "../nn/state.js";
import { type Dim, formatDim, symbol } from "./dim.js";
import type { Graph } from "./graph.js";
import { inferShapes, outputShape } from "./shapes.js";
import { type GraphTensor, graphBackend, trace } from "./trace.js";

const IMAGE = { name: "image", shape: [symbol("n"), 3, symbol("h"), symbol("w")] };

function traced(fields: NetworkFields): Graph {
  const model = new PSPNet(pspnetConfig({ classes: 5, width: 4, headChannels: 8, aux: false, ...fields })).eval();
  initialise(model, graphBackend, { seed: 1 });
  return trace(model, IMAGE, (x) => ({ logits: model.forward(x).out }));
}

const FORMS: NetworkFields[] = DEPTHS.flatMap((layers) =>
  (["deep", "plain"] as const).flatMap((stem) =>
    ([8, 16] as const).flatMap((outputStride) => [true, false].map((ppm) => ({ layers, stem, outputStride, ppm }))),
  ),
);
const OTHERS: NetworkFields[] = [
  { layers: 18, ceilPool: true, pool: "max", reduction: false },
  { layers: 50, strideIn: "1x1", firstDilation: "halved", bins: [2], concatOrder: "descending", alignCorners: false },
];

function halves(value: GraphTensor, dim: number): GraphTensor[] {
  const half = value.shape[dim] / 2;
  return value.split([half, half], dim);
}

/** The number that a size is in an image of 70x103, batch 2. */
function known(dim: Dim): number {
  if (typeof dim === "number") return dim;
  const value = { n: 2, h: 70, w: 103 }[dim.symbol]!;
  return Math.floor((value + dim.offset) / dim.divisor) * dim.factor + dim.rest;
}

describe.each([...FORMS, ...OTHERS])("%j", (form) => {
  const graph = traced(form);

  it("is in an order in which it can be computed, every value named once", () => {
    const values = new Set([IMAGE.name, ...graph.initialisers.keys()]);
    for (const { inputs, output } of graph.nodes) {
      for (const input of inputs) expect(input === "" || values.has(input), input).toBe(true);
      expect(values.has(output), output).toBe(false);
      values.add(output);
    }
    expect(values).toContain(graph.outputs.get("logits"));
  });

  it("has sizes that are right for every image", () => {
    const symbolic = inferShapes(graph);
    const numeric = inferShapes(graph, { image: [2, 3, 70, 103] });
    expect(symbolic.size).toBe(numeric.size);
    for (const [name, shape] of symbolic) expect(shape.map(known), name).toEqual(numeric.get(name));
    const stride = form.outputStride ?? 8;
    const logits = numeric.get(graph.outputs.get("logits")!);
    if (!form.ceilPool) expect(logits).toEqual([2, 5, Math.ceil(70 / stride), Math.ceil(103 / stride)]);
  });

  it("holds every parameter under its path", () => {
    const model = new PSPNet(pspnetConfig({ classes: 5, width: 4, headChannels: 8, aux: false, ...form }));
    for (const [path, { shape }] of model.stateDict()) expect(graph.initialisers.get(path)?.shape, path).toEqual(shape);
  });
});

it("of different forms the graphs are different", () => {
  const counts = FORMS.map((form) => traced(form).nodes.map(({ operator, attributes }) => [operator, attributes]));
  expect(new Set(counts.map((nodes) => JSON.stringify(nodes))).size).toBe(FORMS.length);
});

describe("trace", () => {
  const small = () => {
    const module = new Sequential(new Conv2d([3, 4], { kernel: 3, padding: 1 }), new ReLU(), new Dropout2d(0.5));
    initialise(module, graphBackend, { seed: 1 });
    return module;
  };

  it("records what forward does and nothing else", () => {
    const module = small().eval();
    const graph = trace(module, IMAGE, (x) => {
      x.relu();
      return { y: module.forward(x) };
    });
    expect(graph.nodes).toEqual([
      {
        name: "0",
        operator: "conv2d",
        inputs: ["image", "0.weight"],
        output: "0",
        attributes: { stride: 1, padding: 1, dilation: 1, groups: 1, activation: null },
      },
      { name: "relu_1", operator: "relu", inputs: ["0"], output: "relu_1", attributes: {} },
    ]);
    expect([...graph.outputs]).toEqual([["y", "relu_1"]]);
  });

  it("computes a value that is used twice once", () => {
    const module = small().eval();
    const graph = trace(module, IMAGE, (x) => {
      const y = module.forward(x);
      return { sum: y.add(y), y };
    });
    expect(graph.nodes.map(({ operator, inputs }) => [operator, inputs])).toEqual([
      ["conv2d", ["image", "0.weight"]],
      ["relu", ["0"]],
      ["add", ["relu_1", "relu_1"]],
    ]);
  });

  it("gives every value a name of its own, whatever is applied twice or sliced along whichever dimensions", () => {
    const step = fc.constantFrom(...(["layer", "relu", "sum", 1, 2, 3] as const));
    fc.assert(
      fc.property(fc.array(fc.tuple(step, fc.nat()), { maxLength: 12 }), (steps) => {
        const layer = new Conv2d([4, 4], { kernel: 3, padding: 1 }).eval();
        initialise(layer, graphBackend, { seed: 1 });
        // A value and weights that take the names which others would have.
        const input = { name: "relu_1", shape: [1, 4, 8, 8] };
        const graph = trace(new Sequential(layer).eval(), input, (x) => {
          const values = [x, layer.weight.as<GraphTensor>()];
          for (const [what, index] of steps) {
            const value = values[index % values.length];
            if (what === "relu") values.push(value.relu());
            else if (what === "sum") values.push(value.add(value));
            else if (what === "layer") values.push(...(value.shape[1] === 4 ? [layer.forward(value)] : []));
            else if (value.shape[what] % 2 === 0) values.push(...halves(value, what));
          }
          return Object.fromEntries(values.map((value, i) => [String(i), value]));
        });
        const names = [input.name, ...graph.initialisers.keys(), ...graph.nodes.map(({ output }) => output)];
        expect(new Set(names).size).toBe(names.length);
        expect(new Set(graph.outputs.values()).size).toBe(graph.outputs.size);
      }),
    );
  });

  it("knows no scopes", () => {
    const module = small().eval();
    const plain = trace(module, IMAGE, (x) => ({ y: module.forward(x).relu() }));
    const scoped = trace(module, IMAGE, (x) => x.scope(() => ({ y: x.scope(() => module.forward(x)).relu() })));
    expect(scoped).toEqual(plain);
  });

  it("refuses a network in training", () => {
    const module = small();
    expect(() => trace(module, IMAGE, (x) => ({ y: module.forward(x) }))).toThrow(
      /dropout in training; call eval\(\) first/,
    );
    const whole = new PSPNet(pspnetConfig({ classes: 5, width: 4, layers: 18 }));
    initialise(whole, graphBackend, { seed: 1 });
    expect(() => trace(whole, IMAGE, (x) => ({ y: whole.forward(x).out }))).toThrow(/batch norm in training/);
  });
});

describe("shapes", () => {
  const [h, w] = [symbol("h"), symbol("w")];
  const pool = (ceilMode: boolean) => ({ kernelSize: 3, stride: 2, padding: ceilMode ? 0 : 1, ceilMode });
  const format = (dims: readonly Dim[]) => dims.map(formatDim).join(" ");

  it("pools round down with padding, up without, as PyTorch's", () => {
    expect(format(outputShape("maxPool2d", [[1, 2, h, w]], pool(false)))).toBe("1 2 (h + 1) / 2 (w + 1) / 2");
    expect(outputShape("maxPool2d", [[1, 2, 237, 238]], pool(true))).toEqual([1, 2, 118, 119]);
  });

  it("a strided, dilated convolution", () => {
    const attributes = { stride: 2, padding: 4, dilation: 4, groups: 1, activation: null };
    expect(
      outputShape(
        "conv2d",
        [
          [1, 3, 97, 50],
          [8, 3, 3, 3],
        ],
        attributes,
      ),
    ).toEqual([1, 8, 49, 25]);
  });

  it("a matrix product broadcasts what leads, of one or of a batch", () => {
    expect(
      format(
        outputShape(
          "matmul",
          [
            [1, h, 75],
            [symbol("n"), 75, 9],
          ],
          {},
        ),
      ),
    ).toBe("n h 9");
    expect(
      format(
        outputShape(
          "matmul",
          [
            [symbol("n"), 36, 4],
            [4, 9],
          ],
          {},
        ),
      ),
    ).toBe("n 36 9");
    expect(() =>
      outputShape(
        "matmul",
        [
          [2, 5, 6],
          [3, 6, 7],
        ],
        {},
      ),
    ).toThrow(/cannot broadcast 2 to 3/);
  });

  it("what cannot be known in advance is refused", () => {
    expect(() =>
      outputShape(
        "cat",
        [
          [1, h],
          [1, w],
        ],
        { dim: 1 },
      ),
    ).toThrow(/expected sizes known in advance, found h/);
    expect(() => outputShape("flatten", [[1, h, w]], { start: 1, end: 2 })).toThrow(/found h/);
  });
});

it("a pool has the windows that PyTorch counts, of any kernel, stride and padding, rounded up or down", () => {
  const window = fc
    .record({
      kernelSize: fc.integer({ min: 1, max: 9 }),
      stride: fc.integer({ min: 1, max: 9 }),
      ceilMode: fc.boolean(),
    })
    .chain((rest) =>
      fc.record({ padding: fc.nat(Math.floor(rest.kernelSize / 2)) }).map((more) => ({ ...rest, ...more })),
    );
  fc.assert(
    fc.property(window, fc.integer({ min: 1, max: 40 }), (attributes, side) => {
      const { kernelSize, stride, padding, ceilMode } = attributes;
      const steps = (side + 2 * padding - kernelSize) / stride;
      let count = (ceilMode ? Math.ceil(steps) : Math.floor(steps)) + 1;
      if (ceilMode && (count - 1) * stride >= side + padding) count--;
      const [, , open] = outputShape("maxPool2d", [[1, 1, symbol("h"), 1]], attributes);
      expect(outputShape("avgPool2d", [[1, 1, side, side]], { ...attributes, countIncludePad: true })).toEqual([
        ...[1, 1, count, count],
      ]);
      const { offset, divisor } = open as Exclude<Dim, number>;
      expect(Math.floor((side + offset) / divisor)).toBe(count);
    }),
  );
});
