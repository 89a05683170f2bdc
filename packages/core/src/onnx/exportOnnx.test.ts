import { fromFloat32, type State, toFloat32 } from "@pspnet/checkpoints";
import { describe, expect, it } from "vitest";
import { symbol } from "../graph/dim.js";
import { networkGraph } from "../graph/networkGraph.js";
import { type GraphTensor, graphBackend } from "../graph/trace.js";
import { type NetworkFields, pspnetConfig } from "../model/config.js";
import { alignedSize } from "../model/logits.js";
import { PSPNet } from "../model/pspnet.js";
import { initialise } from "../nn/state.js";
import { optimise } from "../passes/optimise.js";
import { enlargeMatrix } from "../tensor/enlargeMatrix.js";
import { type ModelDescription, parseDescription } from "../weights/modelFile.js";
import { exportOnnx, type OnnxOptions } from "./exportOnnx.js";

/** A message as it is read back, by someone who knows the wire format alone: numbers or bytes, by field number. */
type Fields = Map<number, (number | Uint8Array)[]>;

function fieldsOf(bytes: Uint8Array): Fields {
  const fields: Fields = new Map();
  let at = 0;
  const varint = (): number => {
    let [value, shift, byte] = [0n, 0n, 0];
    do {
      byte = bytes[at++];
      value |= BigInt(byte & 127) << shift;
      shift += 7n;
    } while (byte > 127);
    return Number(BigInt.asIntN(64, value));
  };
  while (at < bytes.length) {
    const key = varint();
    const wire = key & 7;
    const length = wire === 2 ? varint() : wire === 5 ? 4 : 0;
    const value = wire === 0 ? varint() : bytes.subarray(at, at + length);
    at += length;
    fields.set(key >> 3, [...(fields.get(key >> 3) ?? []), value]);
  }
  expect(at).toBe(bytes.length);
  return fields;
}

const messages = (fields: Fields, number: number) =>
  (fields.get(number) ?? []).map((item) => fieldsOf(item as Uint8Array));
const texts = (fields: Fields, number: number) =>
  (fields.get(number) ?? []).map((item) => new TextDecoder().decode(item as Uint8Array));
const text = (fields: Fields, number: number) => texts(fields, number)[0];
const numbers = (fields: Fields, number: number) => (fields.get(number) ?? []) as number[];

/** What a model says, by ONNX's field numbers. */
function read(bytes: Uint8Array) {
  const model = fieldsOf(bytes);
  const [graph] = messages(model, 7);
  const value = (fields: Fields) => {
    const [tensor] = messages(messages(fields, 2)[0], 1);
    const shape = messages(messages(tensor, 2)[0], 1).map((dim) => numbers(dim, 1)[0] ?? text(dim, 2));
    return { name: text(fields, 1), type: numbers(tensor, 1)[0], shape };
  };
  return {
    version: numbers(model, 1)[0],
    producer: text(model, 2),
    opset: messages(model, 8).map((entry) => [text(entry, 1), ...numbers(entry, 2)]),
    metadata: Object.fromEntries(messages(model, 14).map((entry) => [text(entry, 1), text(entry, 2)])),
    inputs: messages(graph, 11).map(value),
    outputs: messages(graph, 12).map(value),
    values: messages(graph, 13).map(value),
    nodes: messages(graph, 1).map((node) => ({
      inputs: texts(node, 1),
      outputs: texts(node, 2),
      operator: text(node, 4),
      attributes: new Map(messages(node, 5).map((attribute) => [text(attribute, 1), attribute])),
    })),
    tensors: new Map(
      messages(graph, 5).map((tensor) => [
        text(tensor, 8),
        {
          shape: numbers(tensor, 1),
          type: numbers(tensor, 2)[0],
          bytes: (tensor.get(9)?.[0] ?? null) as Uint8Array | null,
          external: Object.fromEntries(messages(tensor, 13).map((entry) => [text(entry, 1), text(entry, 2)])),
        },
      ]),
    ),
  };
}

/** A constant list of whole numbers. */
const integersOf = ({ bytes }: { readonly bytes: Uint8Array | null }) =>
  [...new BigInt64Array(bytes!.slice().buffer)].map(Number);

/** Operators on whole numbers. */
const WHOLE: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => Math.trunc(a / b),
};

const FLOAT = 1;
const UINT8 = 2;
const FLOAT16 = 10;

function network(form: NetworkFields = {}) {
  const config = pspnetConfig({ classes: 3, layers: 18, width: 4, headChannels: 8, aux: false, ...form });
  const model = new PSPNet(config);
  initialise(model, graphBackend, { seed: 1 });
  const state: State = new Map(
    [...model.stateDict()].map(([name, parameter]) => {
      const { source, shape } = parameter.as<GraphTensor>();
      const data = source.kind === "constant" ? source.data : new Float32Array();
      return [name, { shape, dtype: "float32", float32: () => data }];
    }),
  );
  const palette = [
    [0, 0, 0],
    [1, 2, 3],
    [255, 255, 255],
  ] as const;
  const classes = { names: ["sky", "sea", "ground: Z\u00fcrich"], palette };
  const description: ModelDescription = { config, classes, crop: 97, licence: "CC0-1.0" };
  return { description, state, graph: optimise(networkGraph(config, state)) };
}

function exported(options: OnnxOptions = {}, form: NetworkFields = {}) {
  const { graph, description } = network(form);
  return exportOnnx(graph, description, options);
}

const FORMS: NetworkFields[] = [{}, { pool: "max", ceilPool: true, reduction: false }, { ppm: false }, { layers: 50 }];

describe.each(FORMS)("%j", (form) => {
  it.each(["logits8", "logits", "probabilities", "labels"] as const)(
    "%s: values in order, each made once and known",
    (output) => {
      for (const size of ["any", { height: 65, width: 97 }] as const) {
        for (const dtype of ["fp32", "fp16"] as const) {
          const { nodes, tensors, inputs, outputs } = read(
            exported({ output, size, dtype, preprocess: true }, form).model,
          );
          const known = new Set([...tensors.keys(), ...inputs.map(({ name }) => name)]);
          for (const node of nodes) {
            for (const input of node.inputs) expect(known).toContain(input);
            for (const made of node.outputs) {
              expect(known).not.toContain(made);
              known.add(made);
            }
          }
          expect(outputs.map(({ name }) => name)).toEqual([output]);
          expect(known).toContain(output);
          const used = new Set(nodes.flatMap(({ inputs }) => inputs));
          expect([...tensors.keys()].filter((name) => !used.has(name))).toEqual([]);
        }
      }
    },
  );

  it("has no Resize, no adaptive pooling, no control flow, and explicit pads", () => {
    const { nodes } = read(exported({ output: "labels" }, form).model);
    for (const { operator, attributes } of nodes) {
      expect(operator).not.toMatch(/Resize|Upsample|Adaptive|Global|Loop|If|Scan/);
      expect([...attributes.keys()]).not.toContain("auto_pad");
      if (operator === "Conv" || operator === "MaxPool") expect(numbers(attributes.get("pads")!, 8)).toHaveLength(4);
    }
  });
});

it("is opset 17 of ONNX's own operators, and says who made it and what it knows", () => {
  const { description } = network();
  const { opset, version, producer, metadata } = read(exported().model);
  expect({ opset, version, producer }).toEqual({ opset: [["", 17]], version: 8, producer: "pspnet" });
  expect(parseDescription(metadata)).toEqual(description);
});

describe("inputs and outputs", () => {
  it.each([
    ["logits8", FLOAT, ["n", 3, "(aligned_h + 7) / 8", "(aligned_w + 7) / 8"]],
    ["logits", FLOAT, ["n", 3, "h", "w"]],
    ["probabilities", FLOAT, ["n", 3, "h", "w"]],
    ["labels", UINT8, ["n", "h", "w"]],
  ] as const)("%s of any size", (output, type, shape) => {
    for (const dtype of ["fp32", "fp16"] as const) {
      const { inputs, outputs } = read(exported({ output, dtype }).model);
      expect(inputs).toEqual([{ name: "image", type: FLOAT, shape: ["n", 3, "h", "w"] }]);
      expect(outputs).toEqual([{ name: output, type, shape }]);
    }
  });

  it("of any size without aligned corners, where nothing is padded", () => {
    const { outputs, nodes } = read(exported({ output: "logits8" }, { alignCorners: false }).model);
    expect(outputs).toEqual([{ name: "logits8", type: FLOAT, shape: ["n", 3, "(h + 7) / 8", "(w + 7) / 8"] }]);
    expect(nodes.map(({ operator }) => operator)).not.toContain("Pad");
  });

  it("of a fixed size, from bytes", () => {
    const file = exported({ output: "logits8", size: { height: 65, width: 97 }, preprocess: true });
    const { inputs, outputs, nodes } = read(file.model);
    expect(inputs).toEqual([{ name: "image", type: UINT8, shape: ["n", 65, 97, 3] }]);
    expect(outputs).toEqual([{ name: "logits8", type: FLOAT, shape: ["n", 3, 9, 13] }]);
    for (const { operator } of nodes) expect(operator).not.toMatch(/Shape|Pad/);
    expect(file.inputs).toEqual([{ name: "image", dtype: "uint8", shape: [symbol("n"), 65, 97, 3] }]);
  });
});

it("tells the shapes in between, so that runtimes know both parts of a residual's sum to be of one size", () => {
  const { nodes, values, inputs, outputs } = read(exported().model);
  const shapes = new Map([...inputs, ...outputs, ...values].map(({ name, shape }) => [name, shape]));
  expect(values.map(({ name }) => name)).not.toContain("logits");
  const sums = nodes.filter(({ operator, outputs: [made] }) => operator === "Add" && made.startsWith("layer"));
  expect(sums).toHaveLength(8);
  for (const { inputs, outputs } of sums) {
    for (const name of [...inputs, ...outputs]) expect(shapes.get(name)).toEqual(shapes.get(outputs[0]));
  }
  expect(shapes.get("layer4.1.conv2.sum")).toEqual(["n", 32, "(aligned_h + 7) / 8", "(aligned_w + 7) / 8"]);
});

it("keeps the names and the bits of weights", () => {
  const { tensors } = read(exported().model);
  const { graph, state } = network();
  expect(tensors.get("cls.4.bias")!.bytes).toEqual(fromFloat32(state.get("cls.4.bias")!.float32(), "float32"));
  for (const [name, { shape, data }] of graph.initialisers) {
    if (name.endsWith(".scale")) continue;
    expect(tensors.get(name)!.shape).toEqual(shape);
    expect(toFloat32(tensors.get(name)!.bytes!, "float32")).toEqual(data);
  }
});

it("keeps every weight as float16 when asked", () => {
  const { tensors } = read(exported({ dtype: "fp16", size: { height: 65, width: 65 }, output: "logits8" }).model);
  expect([...tensors.values()].filter(({ type }) => type === FLOAT)).toEqual([]);
  expect(tensors.get("cls.4.bias")!.type).toBe(FLOAT16);
});

it.each([
  ["fp32", "float32"],
  ["fp16", "float16"],
] as const)("a float16 constant keeps its values in a model of %s", (dtype, type) => {
  const { graph, description } = network();
  const half = { dtype: "float16", shape: [3], data: Uint16Array.of(0x3c00, 0xc000, 0x3800) } as const;
  const mixed = { ...graph, initialisers: new Map(graph.initialisers).set("cls.4.bias", half) };
  const { tensors } = read(exportOnnx(mixed, description, { dtype, output: "logits8" }).model);
  expect([...toFloat32(tensors.get("cls.4.bias")!.bytes!, type)]).toEqual([1, -2, 0.5]);
});

it.each([65, 60])(
  "enlarges with the very matrix of enlargeMatrix when the size is known, to %i rows of 65",
  (height) => {
    const { tensors } = read(exported({ size: { height, width: 97 } }).model);
    const rows = tensors.get("logits.rows")!;
    expect(rows.shape).toEqual([height, 9]);
    const expected = Float32Array.from(enlargeMatrix(65, { bins: 9, taps: 1, alignCorners: true }));
    expect(toFloat32(rows.bytes!, "float32")).toEqual(expected.subarray(0, height * 9));
    expect(tensors.get("logits.columns")!.shape).toEqual([13, 97]);
  },
);

describe("pads images with the mean on the right and bottom to where aligned corners want them", () => {
  it.each(["logits8", "logits", "labels"] as const)("of a fixed size, for %s", (output) => {
    const { inputs, outputs, nodes, tensors } = read(exported({ output, size: { height: 100, width: 98 } }).model);
    const [pad, ...more] = nodes.filter(({ operator }) => operator === "Pad");
    expect(more).toEqual([]);
    // No constant is named: it is 0, the mean of what is normalised.
    expect(pad.inputs).toEqual(["image", "integers_0_0_0_0_0_0_5_7"]);
    expect(integersOf(tensors.get(pad.inputs[1])!)).toEqual([0, 0, 0, 0, 0, 0, 5, 7]);
    expect(inputs[0].shape).toEqual(["n", 3, 100, 98]);
    expect(outputs[0].shape.slice(-2)).toEqual(output === "logits8" ? [14, 14] : [100, 98]);
  });

  it("after bytes are normalised and before they are float16", () => {
    const { nodes } = read(exported({ preprocess: true, dtype: "fp16" }).model);
    const pad = nodes.find(({ operator }) => operator === "Pad")!;
    expect(pad.inputs[0]).toBe("image.normalised");
    expect(nodes.find(({ operator, inputs }) => operator === "Cast" && inputs[0] === pad.outputs[0])).toBeDefined();
  });

  it.each([8, 16] as const)("of any size, which is computed inside, at output stride %i", (outputStride) => {
    const { nodes, tensors } = read(exported({}, { outputStride }).model);
    const { config } = network({ outputStride }).description;
    for (let height = 1; height < 100; height++) {
      const width = 2 * height;
      const aligned = alignedSize({ height, width }, config);
      const values = new Map([["image.pads.sides", [height, width]]]);
      const value = (name: string) => values.get(name) ?? integersOf(tensors.get(name)!);
      for (const { operator, inputs, outputs } of nodes.filter(({ outputs }) => /^image\.pads/.test(outputs[0]))) {
        if (values.has(outputs[0]) || operator === "Shape") continue;
        const [a, b] = inputs.map(value);
        values.set(
          outputs[0],
          operator === "Concat" ? [...a, ...b] : a.map((x, i) => WHOLE[operator](x, b[i % b.length])),
        );
      }
      expect(values.get("image.pads")).toEqual([0, 0, 0, 0, 0, 0, aligned.height - height, aligned.width - width]);
    }
  });
});

describe("external data", () => {
  it("holds the larger weights by page, with the same bytes", () => {
    const inside = read(exported().model);
    const { model, externalData } = exported({ externalData: { location: "weights.bin", above: 0 } });
    const content = Uint8Array.from(externalData!.pieces.flatMap((piece) => [...piece]));
    const { tensors } = read(model);
    let moved = 0;
    for (const [name, { bytes, external }] of tensors) {
      const expected = inside.tensors.get(name)!.bytes!;
      if (bytes) {
        expect(expected.length).toBeLessThan(1024);
        continue;
      }
      const [offset, length] = [Number(external.offset), Number(external.length)];
      expect(external.location).toBe("weights.bin");
      expect(offset % 4096).toBe(0);
      expect(content.subarray(offset, offset + length)).toEqual(expected);
      moved++;
    }
    expect(moved).toBeGreaterThan(10);
  });

  it("is not there when everything fits", () => {
    expect(exported().externalData).toBeNull();
  });
});

describe("refuses", () => {
  it("a size that is none", () => {
    expect(() => exported({ size: { height: 0, width: 97 } })).toThrow(/whole numbers above 0, found 0x97/);
    expect(() => exported({ size: { height: 97.5, width: 97 } })).toThrow(/whole numbers above 0/);
  });

  it("weights that float16 cannot hold", () => {
    const { graph, description } = network();
    const initialisers = new Map(graph.initialisers).set("cls.4.bias", {
      dtype: "float32",
      shape: [3],
      data: Float32Array.of(1, -70_000, 0),
    });
    const options = { size: "any", output: "logits", preprocess: false } as const;
    const wild = { ...graph, initialisers };
    expect(() => exportOnnx(wild, description, { ...options, dtype: "fp16" })).toThrow(
      /cls.4.bias: .*found -70000 at 1; export as fp32/,
    );
    expect(() => exportOnnx(wild, description, { ...options, dtype: "fp32" })).not.toThrow();
  });

  it("a graph without logits", () => {
    const { graph, description } = network();
    const options = { size: "any", output: "logits", dtype: "fp32", preprocess: false } as const;
    const other = { ...graph, outputs: new Map([["features", "relu_1"]]) };
    expect(() => exportOnnx(other, description, options)).toThrow(/output logits, found features/);
  });
});
