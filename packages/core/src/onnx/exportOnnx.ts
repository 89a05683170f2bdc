import { join } from "@pspnet/checkpoints/protobuf";
import { PspnetError } from "../error.js";
import { type Dim, symbol } from "../graph/dim.js";
import type { Graph, Node } from "../graph/graph.js";
import type { Size } from "../image/image.js";
import { inputChannels } from "../image/normalise.js";
import type { AlignCorners } from "../tensor/alignCorners.js";
import { PRECISION_DTYPE, type Precision } from "../tensor/precision.js";
import { describeWeights, type ModelDescription } from "../weights/modelFile.js";
import { OnnxBuilder } from "./builder.js";
import { LoweringContext } from "./context.js";
import { type ExternalData, type ExternalDataOptions, placeOutside } from "./externalData.js";
import { enlarged, enlargedChannelsLast, lower } from "./lower.js";
import { type Prepared, preprocessing } from "./preprocessing.js";
import { encodeModel, type OnnxValue } from "./proto.js";

export const ONNX_OUTPUTS = ["logits8", "logits", "probabilities", "labels"] as const;
/**
 * `logits8`: float32 `[n, classes, h/8, w/8]` (h/16 at output stride 16) of the image padded to `alignedSize`. `logits`: enlarged
 * and cut to the image, `[n, classes, h, w]`. `probabilities`: the softmax of those. `labels`: the class of the largest, uint8
 * `[n, h, w]`.
 */
export type OnnxOutput = (typeof ONNX_OUTPUTS)[number];

export interface OnnxOptions {
  /** One size of images, or any. Left out, any. */
  readonly size?: "any" | Size;
  /** One or several, of which a runtime computes all: they share the network and its weights. Left out, logits. */
  readonly output?: OnnxOutput | readonly OnnxOutput[];
  /** What the weights are kept and the network is computed in; inputs and outputs are the same for both. Left out, fp32. */
  readonly dtype?: Exclude<Precision, "bf16">;
  /** Input is bytes as images have them, uint8 `[n, h, w, c]`, RGB; else it is normalised, float32 `[n, c, h, w]`. */
  readonly preprocess?: boolean;
  /** Adds the output `finite`, bool: whether all logits are. Where one is infinite or NaN, labels mean nothing. */
  readonly finite?: boolean;
  /**
   * 3x3 convolutions of many channels as products of tiles, by Winograd: a quarter of the multiplications, four times the memory for
   * their weights. For WebAssembly; elsewhere runtimes do that better, or gain nothing. fp32 only.
   */
  readonly winograd?: boolean;
  readonly externalData?: ExternalDataOptions;
}

export interface OnnxFile {
  readonly model: Uint8Array;
  /** What the model reads from a second file, because one file of ONNX ends at 2 GiB. */
  readonly externalData: ExternalData | null;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

const OPSET = 17;

/**
 * A network as an ONNX model of opset 17, of operators that every runtime has: no Resize, no adaptive pooling, no control flow.
 * Its input is `image`, any number of them, which the model pads to `alignedSize` by itself; its outputs have the names that
 * `output` says; its metadata is what `describeWeights` gives, as in a weights file.
 *
 * @param graph from `networkGraph`, as it is or after `optimise`.
 * @throws PspnetError "usage" for a size that cannot be, "weights" for weights that float16 cannot hold.
 */
export function exportOnnx(graph: Graph, description: ModelDescription, options: OnnxOptions = {}): OnnxFile {
  const { size = "any", output = "logits", preprocess = false, dtype = "fp32", finite = false, winograd } = options;
  const { config } = description;
  const half = dtype === "fp16";
  const names = [...new Set([output].flat())] as readonly OnnxOutput[];
  const dims = dimsOf(size);
  const channels = inputChannels(config.input);
  const image: OnnxValue = preprocess
    ? { name: "image", dtype: "uint8", shape: [symbol("n"), ...dims, channels] }
    : { name: "image", dtype: "float32", shape: [symbol("n"), channels, ...dims] };
  const builder = new OnnxBuilder();
  const computed = { dtype: PRECISION_DTYPE[dtype], builder };
  const prepared = preprocessing(builder, image, { ...computed, config });
  const ends: Ends = { ...prepared, output: half ? "logits8.half" : "logits8" };
  const context = new LoweringContext(withEnds(graph, ends), { ...computed, winograd });
  for (const node of context.graph.nodes) lower(context, node);
  if (half) builder.cast(ends.output, "float32", "logits8");
  const outputs = answers(context, names, { ...ends, ...config.upsampling });
  if (finite) outputs.push(finiteness(context));
  const { nodes, tensors } = builder;
  const { external, externalData } = placeOutside(tensors, options.externalData);
  const values = context.values.filter(({ name }) => !names.some((output) => output === name));
  const metadata = describeWeights(description);
  const model = { name: "pspnet", opset: OPSET, nodes, tensors, inputs: [image], outputs, values, metadata, external };
  return { model: join(encodeModel(model)), externalData, inputs: [image], outputs };
}

/** Height and width of the images. */
function dimsOf(size: "any" | Size): readonly [Dim, Dim] {
  if (size === "any") return [symbol("h"), symbol("w")];
  const sides = [size.height, size.width] as const;
  if (sides.every((side) => Number.isSafeInteger(side) && side > 0)) return sides;
  throw new PspnetError("usage", `exportOnnx: size: expected whole numbers above 0, found ${sides.join("x")}`);
}

interface Ends extends Prepared {
  /** Name of the graph's output. */
  readonly output: string;
}

/** The graph between these ends. The images as they were before they were padded are there for their size. */
function withEnds(graph: Graph, { planes, input, output }: Ends): Graph {
  const [image] = graph.inputs;
  const logits = graph.outputs.get("logits");
  if (logits === undefined) {
    const found = [...graph.outputs.keys()].join(", ");
    throw new PspnetError(
      "usage",
      `exportOnnx: expected a graph with the output logits, found ${found}; use networkGraph`,
    );
  }
  const names = new Map([
    [image.name, input.name],
    [logits, output],
  ]);
  const named = (value: string) => names.get(value) ?? value;
  const rename = (node: Node) => ({ ...node, inputs: node.inputs.map(named), output: named(node.output) }) as Node;
  return {
    inputs: [input, planes],
    initialisers: graph.initialisers,
    nodes: graph.nodes.map(rename),
    outputs: new Map([["logits", output]]),
  };
}

interface AnswerOptions extends Ends {
  readonly alignCorners: AlignCorners;
}

/** Makes the model's outputs of the logits. */
function answers(
  context: LoweringContext,
  names: readonly OnnxOutput[],
  { alignCorners, ...ends }: AnswerOptions,
): OnnxValue[] {
  const { builder } = context;
  const shape = context.shapeOf(ends.output);
  const [n, classes] = shape;
  const [, , ...size] = ends.planes.shape;
  const enlarging = (output: string) => {
    const [from, to, shown] = [ends.output, ends.input.name, ends.planes.name].map((value) => context.sides(value));
    return { from, to, shown, alignCorners, dtype: "float32", output } as const;
  };
  if (names.includes("logits") || names.includes("probabilities")) enlarged(context, "logits8", enlarging("logits"));
  const makers: Readonly<Record<OnnxOutput, () => OnnxValue>> = {
    logits8: () => ({ name: "logits8", dtype: "float32", shape }),
    logits: () => ({ name: "logits", dtype: "float32", shape: [n, classes, ...size] }),
    probabilities() {
      softmax(context, "logits", "probabilities");
      return { name: "probabilities", dtype: "float32", shape: [n, classes, ...size] };
    },
    labels() {
      const channels = classes as number;
      const last = enlargedChannelsLast(context, "logits8", { ...enlarging("labels.logits"), channels });
      const best = builder.node("ArgMax", [last], { output: "labels.integer", attributes: { axis: 3, keepdims: 0 } });
      builder.cast(best, "uint8", "labels");
      return { name: "labels", dtype: "uint8", shape: [n, ...size] };
    },
  };
  return names.map((name) => makers[name]());
}

/** Whether the logits are finite: times 0 every number is 0, infinity and NaN are NaN. */
function finiteness({ builder }: LoweringContext): OnnxValue {
  const nothing = builder.node("Mul", ["logits8", builder.scalar(0)], { output: "finite.nothing" });
  const sum = builder.node("ReduceSum", [nothing], { output: "finite.sum", attributes: { keepdims: 0 } });
  const never = builder.node("IsNaN", [sum], { output: "finite.never" });
  builder.node("Not", [never], { output: "finite" });
  return { name: "finite", dtype: "bool", shape: [] };
}

/** Softmax over the classes in its parts: runtimes are slow at the one operator when the axis is not the last. */
function softmax({ builder }: LoweringContext, logits: string, output: string): void {
  const over = { axes: [1], keepdims: 1 };
  const most = builder.node("ReduceMax", [logits], { output: `${output}.most`, attributes: over });
  const below = builder.node("Sub", [logits, most], { output: `${output}.below` });
  const powers = builder.node("Exp", [below], { output: `${output}.powers` });
  const axes = builder.integers(over.axes);
  const sum = builder.node("ReduceSum", [powers, axes], { output: `${output}.sum`, attributes: { keepdims: 1 } });
  builder.node("Div", [powers, sum], { output });
}
