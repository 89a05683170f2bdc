import { join } from "@pspnet/checkpoints/protobuf";
import {
  exportOnnx,
  type Graph,
  loadStateDict,
  type ModelDescription,
  type NetworkFields,
  networkGraph,
  type OnnxOptions,
  optimise,
  PSPNet,
  type PSPNetConfig,
  pspnetConfig,
  type State,
} from "@pspnet/core";
import { encodeModel } from "@pspnet/core/onnx";
import { backend, noGrad, type Tensor } from "@pspnet/torch";
import type { InferenceSession, Tensor as OnnxTensor } from "onnxruntime-node";
import { LoweringContext } from "../../../core/src/onnx/context.js";
import { lower } from "../../../core/src/onnx/lower.js";
import { reproducibleState } from "./reproducible.js";

type OnnxRuntime = typeof import("onnxruntime-node");

/** onnxruntime-node, an optional dependency; null, and a line that says so, when it does not load. */
export const onnxRuntime: OnnxRuntime | null = await import("onnxruntime-node").catch((error: Error) => {
  console.warn(`skipped, onnxruntime-node does not load: ${error.message.split("\n")[0]}`);
  return null;
});

/** A model, by its bytes or its file. On one thread: more would only wait for each other on networks this small. */
export function open(model: Uint8Array | string): Promise<InferenceSession> {
  return onnxRuntime!.InferenceSession.create(model as string, { intraOpNumThreads: 1 });
}

export interface SmallNetwork {
  readonly config: PSPNetConfig;
  readonly description: ModelDescription;
  readonly state: State;
  /** In libtorch, in evaluation. */
  readonly eager: PSPNet;
}

/** A narrow network of a form, its weights made from their names. */
export function smallNetwork(form: NetworkFields): SmallNetwork {
  const config = pspnetConfig({ classes: 7, width: 8, headChannels: 16, aux: false, ...form });
  const eager = new PSPNet(config);
  const state = reproducibleState(eager);
  loadStateDict(eager, state, { backend: backend() });
  const ids = Array.from({ length: config.classes }, (_, id) => id);
  const classes = { names: ids.map((id) => `class ${id}`), palette: ids.map((id) => [id, 2 * id, 3 * id] as const) };
  const description = { config, classes, crop: 97, licence: "MIT" };
  return { config, description, state, eager: eager.eval() };
}

export function exported({ config, description, state }: SmallNetwork, options: OnnxOptions = {}) {
  return exportOnnx(optimise(networkGraph(config, state)), description, options);
}

/** A graph as a model of opset 17, float32, its input and output as they are. */
export function modelOf(graph: Graph): Uint8Array {
  const context = new LoweringContext(graph, { dtype: "float32" });
  for (const node of graph.nodes) lower(context, node);
  const value = (name: string) => ({ name, dtype: "float32", shape: context.shapeOf(name) }) as const;
  const { nodes, tensors } = context.builder;
  const ends = { inputs: graph.inputs.map(({ name }) => value(name)), outputs: [...graph.outputs.values()].map(value) };
  const told = { name: "graph", opset: 17, values: [], metadata: {}, external: new Map() };
  return join(encodeModel({ ...told, ...ends, nodes, tensors }));
}

export type Images =
  | { readonly dtype: "float32"; readonly data: Float32Array; readonly shape: readonly number[] }
  | { readonly dtype: "uint8"; readonly data: Uint8Array; readonly shape: readonly number[] };

/** The one output of a model for `images`. */
export async function answer(session: InferenceSession, { dtype, data, shape }: Images): Promise<OnnxTensor> {
  const { Tensor } = onnxRuntime!;
  const image = dtype === "uint8" ? new Tensor(dtype, data, shape) : new Tensor(dtype, data, shape);
  return (await session.run({ image }))[session.outputNames[0]];
}

/** What libtorch gives without a gradient, as numbers. */
export function eagerly(work: () => Tensor): Float32Array {
  return noGrad(work).toArray() as Float32Array;
}

/** Largest difference as a share of the largest expected value; NaN when there is one, or the lengths differ. */
export function relativeError(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (found.length !== expected.length) return Number.NaN;
  let [difference, largest] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    if (!Number.isFinite(found[i])) return Number.NaN;
    difference = Math.max(difference, Math.abs(found[i] - expected[i]));
    largest = Math.max(largest, Math.abs(expected[i]));
  }
  return difference / largest;
}
