import { fromFloat32, type State, type StateTensor, type WritableTensor } from "@pspnet/checkpoints";
import { PspnetError } from "../error.js";
import { inputChannels } from "../image/normalise.js";
import { type Difference, differences } from "../model/compare.js";
import { type PSPNetConfig, pspnetConfig } from "../model/config.js";
import type { PartName } from "../model/parts.js";
import type { ModelDescription } from "../weights/modelFile.js";

export interface OfficialState {
  readonly state: ReadonlyMap<string, WritableTensor>;
  /** Where the official release's code would compute something else with these weights: ours, and its. */
  readonly departures: readonly Difference[];
}

/**
 * Weights of ours as a `state_dict` of the official PyTorch release: the head's inputs in the order x, 1, 2, 3, 6, the first
 * convolution's red, green, blue, and a counter of batches beside the statistics of each batch norm.
 *
 * @param options.source Where they come from and who asked, for messages.
 * @throws PspnetError "weights" for a network of parts that the official release has not.
 */
export function officialState(
  { config }: Pick<ModelDescription, "config">,
  weights: State,
  { source = "weights" }: { readonly source?: string } = {},
): OfficialState {
  const official = pspnetConfig({ classes: config.classes, backbone: { layers: layersOf(config) } });
  const parts: PartName[] = ["backbone", "pyramid", "head", "auxiliary", "upsampling", "norm"];
  if (inputChannels(config.input) !== inputChannels(official.input)) parts.push("input");
  const found = differences([config, official], parts).filter(({ key }) => !REORDERED.has(key));
  const strange = found.filter(({ key, values }) => key.endsWith(".kind") && values[0] !== "none");
  if (strange.length > 0) {
    const list = strange.map(({ key, values }) => `${key}=${values[0]}`).join(", ");
    throw new PspnetError(
      "weights",
      `${source}: expected the official release's parts, found ${list}; it has no names for them`,
    );
  }
  const state = new Map<string, WritableTensor>();
  for (const name of weights.keys()) {
    state.set(name, writable(reordered(name, weights, config)));
    if (name.endsWith(".running_var")) state.set(name.replace(/running_var$/, COUNTER), NO_BATCHES);
  }
  return { state, departures: found };
}

const COUNTER = "num_batches_tracked";
const NO_BATCHES: WritableTensor = { dtype: "int64", shape: [], bytes: new Uint8Array(8) };

/** Fields that are undone by another order of channels. */
const REORDERED: ReadonlySet<string> = new Set(["pyramid.concatOrder", "pyramid.features"]);

function layersOf({ backbone }: PSPNetConfig) {
  return backbone.kind === "resnet" ? backbone.layers : 50;
}

/** A tensor with its input channels in the official release's order. */
function reordered(name: string, weights: State, config: PSPNetConfig): StateTensor {
  const tensor = weights.get(name)!;
  if (name === "layer0.0.weight" && config.input.channelOrder === "bgr") return withInputs(tensor, [2, 1, 0]);
  const { pyramid } = config;
  if (name !== "cls.0.weight" || pyramid.kind !== "pooling") return tensor;
  const [, inputs] = tensor.shape;
  const levels = pyramid.bins.length;
  const channels = weights.get("ppm.features.0.1.weight")?.shape[0] ?? inputs / (levels + 1);
  const features = inputs - levels * channels;
  const run = (from: number, length: number) => Array.from({ length }, (_, i) => from + i);
  const firstLevel = pyramid.features === "first" ? features : 0;
  const inOrder = run(0, levels).map((level) => run(firstLevel + level * channels, channels));
  if (pyramid.concatOrder === "descending") inOrder.reverse();
  const firstFeature = pyramid.features === "first" ? 0 : levels * channels;
  return withInputs(tensor, [...run(firstFeature, features), ...inOrder.flat()]);
}

/** The weight `[outputs, inputs, h, w]` with its inputs in another order. */
function withInputs(tensor: StateTensor, order: readonly number[]): StateTensor {
  const { shape } = tensor;
  const [outputs, inputs, height, width] = shape;
  const size = height * width;
  return {
    ...tensor,
    float32() {
      const values = tensor.float32();
      const moved = new Float32Array(values.length);
      for (let o = 0; o < outputs; o++)
        for (const [to, from] of order.entries()) {
          const begin = (o * inputs + from) * size;
          moved.set(values.subarray(begin, begin + size), (o * inputs + to) * size);
        }
      return moved;
    },
  };
}

function writable(tensor: StateTensor): WritableTensor {
  return { dtype: "float32", shape: tensor.shape, bytes: fromFloat32(tensor.float32(), "float32") };
}
