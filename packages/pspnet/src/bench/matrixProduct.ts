import { availableParallelism } from "node:os";
import * as protobuf from "@pspnet/checkpoints/protobuf";
import { type Graph, PRECISION_DTYPE, type PredictionPrecision, type RuntimeName, random } from "@pspnet/core";
import { quantise, type Ranges } from "@pspnet/core/graph";
import { encodeModel } from "@pspnet/core/onnx";

/** Side of the square matrices: large enough that a machine comes to its full rate. */
const SIDE = 2048;

/** How many follow one another, each on the result of the one before: what comes before and after weighs little. */
const PRODUCTS = 4;

/** Multiply-adds of all of them. */
export const MATRIX_PRODUCT_MACS = PRODUCTS * SIDE ** 3;

export interface MatrixProductOptions {
  readonly runtime: RuntimeName;
  readonly precision: PredictionPrecision;
  readonly threads: number;
}

/**
 * Products of square matrices, {@link MATRIX_PRODUCT_MACS} multiply-adds: what the runtime gets out of this machine at best. On libtorch
 * they are 1x1 convolutions in a plan, oneDNN's, as a network's are: libtorch's own matrix products are slow on some processors.
 */
export async function matrixProduct(options: MatrixProductOptions): Promise<() => Promise<void>> {
  return options.runtime === "torch" ? withTorch(options) : withOnnx(options);
}

async function withTorch({ precision, threads }: MatrixProductOptions): Promise<() => Promise<void>> {
  const { Plan, rand, setNumThreads } = await import("@pspnet/torch");
  if (threads > 0) setNumThreads(threads);
  const [h, w] = [32, SIDE / 32];
  const real = pointwiseConvolutions([h, w]);
  const [graph, of] = precision === "int8" ? [inBytes(real), "fp32" as const] : [real, precision];
  const plan = new Plan(graph, { precision: of, usualSize: [h, w] });
  const pixels = rand([1, SIDE, h, w]).to({ dtype: PRECISION_DTYPE[of] }).contiguous("channelsLast");
  return async () => {
    (await plan.run(pixels)).dispose();
  };
}

/** The same graph of bytes that stand for 0 to 1. */
function inBytes(graph: Graph): Graph {
  const names = [...graph.inputs, ...graph.nodes].map(({ name }) => name);
  return quantise(graph, Object.fromEntries(names.map((name) => [name, [0, 1]])) as Ranges);
}

/** Numbers whose products stay of one size however many follow one another. */
function matrix(): Float32Array {
  const generator = random(0);
  return Float32Array.from({ length: SIDE ** 2 }, () => generator.next() / SIDE);
}

function pointwiseConvolutions([h, w]: readonly [number, number]): Graph {
  const values = Array.from({ length: PRODUCTS + 1 }, (_, i) => `product${i}`);
  const nodes = values.slice(1).map((output, i) => ({
    name: output,
    operator: "conv2d" as const,
    inputs: [values[i], `weight${output}`, ""],
    output,
    attributes: { stride: 1, padding: 0, dilation: 1, groups: 1, activation: null },
  }));
  const weight = { dtype: "float32" as const, shape: [SIDE, SIDE, 1, 1], data: matrix() };
  return {
    inputs: [{ name: values[0], shape: [1, SIDE, h, w] }],
    initialisers: new Map(nodes.map(({ inputs }) => [inputs[1], weight])),
    nodes,
    outputs: new Map([["product", values[PRODUCTS]]]),
  };
}

async function withOnnx({ threads }: MatrixProductOptions): Promise<() => Promise<void>> {
  const { InferenceSession, Tensor } = await import("onnxruntime-node");
  const session = await InferenceSession.create(matrixProductModel(), {
    intraOpNumThreads: threads > 0 ? threads : availableParallelism(),
  });
  const given = new Tensor("float32", matrix(), [SIDE, SIDE]);
  const feeds = { a: given, b: given };
  return async () => {
    await session.run(feeds);
  };
}

/** `c = a b b ...` as an ONNX model. */
function matrixProductModel(): Uint8Array {
  const value = (name: string) => ({ name, dtype: "float32", shape: [SIDE, SIDE] }) as const;
  const values = ["a", ...Array.from({ length: PRODUCTS - 1 }, (_, i) => `product${i}`), "c"];
  const nodes = values
    .slice(1)
    .map((output, i) => ({ name: output, operator: "MatMul", inputs: [values[i], "b"], output, attributes: {} }));
  const model = {
    name: "matrixProduct",
    opset: 17,
    nodes,
    inputs: [value("a"), value("b")],
    outputs: [value("c")],
  };
  return protobuf.join(encodeModel({ ...model, tensors: [], values: [], metadata: {}, external: new Map() }));
}
