import { availableParallelism } from "node:os";
import { encodeModel, protobuf } from "@pspnet/core";
import type { RuntimeName } from "../segment/runtime.js";
import type { BenchPrecision } from "./benchCase.js";

/** Side of the square matrices: large enough that a machine comes to its full rate. */
const SIDE = 2048;

/** Multiply-adds of one product. */
export const MATRIX_PRODUCT_MACS = SIDE ** 3;

export interface MatrixProductOptions {
  readonly runtime: RuntimeName;
  readonly precision: BenchPrecision;
  readonly threads: number;
}

/** A product of two square matrices of {@link MATRIX_PRODUCT_MACS} multiply-adds: what the runtime gets out of this machine at best. */
export async function matrixProduct(options: MatrixProductOptions): Promise<() => Promise<void>> {
  return options.runtime === "torch" ? withTorch(options) : withOnnx(options);
}

async function withTorch({ precision, threads }: MatrixProductOptions): Promise<() => Promise<void>> {
  const { rand, scope, setNumThreads } = await import("@pspnet/torch");
  if (threads > 0) setNumThreads(threads);
  const dtype = precision === "bf16" ? "bfloat16" : "float32";
  const [a, b] = [rand([SIDE, SIDE]).to({ dtype }), rand([SIDE, SIDE]).to({ dtype })];
  return async () => {
    // One element is asked for so that the product is there when the function ends.
    scope(() => a.matmul(b).narrow(0, 0, 1).narrow(1, 0, 1).to({ dtype: "float32" }).toArray());
  };
}

async function withOnnx({ threads }: MatrixProductOptions): Promise<() => Promise<void>> {
  const { InferenceSession, Tensor } = await import("onnxruntime-node");
  const session = await InferenceSession.create(matrixProductModel(), {
    intraOpNumThreads: threads > 0 ? threads : availableParallelism(),
  });
  const matrix = () => new Tensor("float32", Float32Array.from({ length: SIDE ** 2 }, Math.random), [SIDE, SIDE]);
  const feeds = { a: matrix(), b: matrix() };
  return async () => {
    await session.run(feeds);
  };
}

/** `c = a b` as an ONNX model. */
function matrixProductModel(): Uint8Array {
  const value = (name: string) => ({ name, dtype: "float32", shape: [SIDE, SIDE] }) as const;
  const product = { name: "c", operator: "MatMul", inputs: ["a", "b"], output: "c", attributes: {} };
  const model = {
    name: "matrixProduct",
    opset: 17,
    nodes: [product],
    inputs: [value("a"), value("b")],
    outputs: [value("c")],
  };
  return protobuf.join(encodeModel({ ...model, tensors: [], values: [], metadata: {}, external: new Map() }));
}
