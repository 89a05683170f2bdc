import {
  type AskOptions,
  alignedSize,
  type ByteInput,
  byteInput,
  channelsOf,
  cropSize,
  type Graph,
  type Image,
  isWholeImage,
  type LabelMap,
  type LabelsOptions,
  type ModelDescription,
  networkGraph,
  optimise,
  type Protocol,
  quantised,
  type Runtime,
  type Size,
  type State,
  type Weights,
} from "@pspnet/core";
import {
  AveragesOverTime,
  type BandLogits,
  fromBands,
  type LookOptions,
  lookAtWindows,
  mapsOfLogits,
  requireMemory,
  type WindowPlace,
} from "@pspnet/core/segment";
import {
  averagedLabels,
  averagedProbabilities,
  blendedProbabilities,
  keep,
  type LabelOptions,
  memoryKept,
  Plan,
  type Tensor,
  tensor,
} from "@pspnet/torch";
import { availableMemory } from "./availableMemory.js";
import { type Engine, openEngine, openInt8Engine } from "./engine.js";
import type { PredictionOptions } from "./openRuntime.js";

/** Maps of enlarged logits that live at once: as they are made, planar, and JavaScript's. */
const ENLARGED = 3;

/** Pixels of the windows that are looked at in one run, where one has fewer: measured, docs/evaluation.md. */
const TOGETHER = 4 * 129 ** 2;

/** What is said of a network beside its weights. */
export type NetworkDescription = Pick<ModelDescription, "config" | "crop">;

/**
 * A network on libtorch.
 *
 * @throws PspnetError "environment" when its addon is not built or does not load, or has no such device; "weights" for int8 of weights
 * that were not quantised.
 */
export function openTorchSegmenter(
  { source, description, state }: Weights,
  { precision, reproducible, ...options }: PredictionOptions,
): TorchSegmenter {
  if (precision !== "int8")
    return new TorchSegmenter(description, state, openEngine({ ...options, precision }), { reproducible });
  const engine = openInt8Engine(options);
  const inBytes = (graph: Graph) => quantised(graph, description, source);
  return new TorchSegmenter(description, state, engine, { inBytes, reproducible });
}

interface TorchSegmenterOptions {
  /** The last pass over the graph, which has some of it computed in bytes; left out, none is. */
  readonly inBytes?: (graph: Graph) => Graph;
  /** As of `NetworkOptions`. */
  readonly reproducible?: boolean;
}

/**
 * A network compiled into a plan, with its input's normalisation: photographs in, labels out, by the official release's
 * `tool/test.py`. The weights are copied: what becomes of `state` later changes nothing.
 */
export class TorchSegmenter implements Runtime {
  readonly name = "torch";
  readonly arithmetic: string;
  readonly #plan: Plan;
  readonly #description: NetworkDescription;
  /** How bytes become the network's input. */
  readonly #input: ByteInput;
  readonly #averages = new AveragesOverTime<Tensor>({ blend: blendedProbabilities, free });

  constructor(
    description: NetworkDescription,
    state: State,
    { device, precision }: Engine,
    { inBytes, reproducible }: TorchSegmenterOptions = {},
  ) {
    const { config } = description;
    const { height, width } = cropSize(description.crop);
    const real = optimise(networkGraph(config, state));
    const graph = inBytes ? inBytes(real) : real;
    // Of which GPU is no matter: it is one like the others.
    this.arithmetic = `${device.split(":")[0]} in ${inBytes ? "int8" : precision}`;
    this.#plan = new Plan(graph, { precision, device, usualSize: [height, width], reproducible });
    this.#description = description;
    this.#input = byteInput(config.input);
  }

  get winograd(): readonly string[] {
    return this.#plan.winograd;
  }

  async labels(image: Image, { overTime, ...options }: LabelsOptions): Promise<LabelMap> {
    const { width, height } = image;
    const { signal, onWindow } = options;
    signal?.throwIfAborted();
    const whole = isWholeImage(options) ? this.#whole(image, 0) : null;
    if (whole && !overTime) {
      const data = await this.#plan.labels(image.data, [1, height, width], whole);
      signal?.throwIfAborted();
      onWindow?.(1, 1);
      return { width, height, data };
    }
    const labels = new Uint8Array(height * width);
    const data = await this.#average(averagedLabels, labels, { image, overTime, ...options });
    return { width, height, data };
  }

  probabilities(image: Image, options: Protocol & AskOptions): Promise<Float32Array> {
    const values = new Float32Array(this.#description.config.classes * image.height * image.width);
    return this.#average(averagedProbabilities, values, { image, ...options });
  }

  async logits(image: Image, { signal, onWindow }: AskOptions = {}): Promise<Float32Array> {
    signal?.throwIfAborted();
    const { height, width } = image;
    using logits = keep(await this.#plan.logits(image.data, [1, height, width], this.#whole(image, ENLARGED)));
    signal?.throwIfAborted();
    onWindow?.(1, 1);
    return logits.toArray() as Float32Array;
  }

  forget(sequence: number): Promise<void> {
    return this.#averages.forget(sequence);
  }

  [Symbol.dispose](): void {
    this.#plan.dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#plan.dispose();
  }

  /** Runs the network on the windows of each scale and puts what `average` makes of their logits into `values`. */
  async #average<Values extends Uint8Array | Float32Array>(
    average: (...band: BandLogits<Tensor>) => Promise<Values>,
    values: Values,
    { image, overTime, ...options }: { readonly image: Image } & LabelsOptions,
  ): Promise<Values> {
    using photographs = new Photographs();
    const look = async (photograph: Image, places: readonly WindowPlace[]) => {
      const [{ flip, ...place }] = places;
      const [scaled, window, size] = [place.scaled, place.window, place.size].map(sides);
      const corners = places.map(({ top, left }) => [top, left] as const);
      const looked = { ...this.#input, scaled, corners, window, size, flip };
      using logits = keep(await this.#plan.windows(photographs.tensor(photograph), looked));
      return logits.split(places.map(() => (flip ? 2 : 1))).map(keep);
    };
    const find = (looks: Pick<LookOptions<Tensor>, "look" | "free">) =>
      fromBands(
        lookAtWindows(image, { ...options, config: this.#description.config, together, ...looks }),
        average,
        values,
      );
    return await (overTime
      ? this.#averages.over(image, overTime, look, (look) => find({ look }))
      : find({ look, free }));
  }

  /** How an image is looked at as a whole, padded on the right and bottom to where its features' corners are; and `maps` of enlarged logits made. */
  #whole({ height, width }: Size, maps: number): LabelOptions {
    const { config } = this.#description;
    const size = sides(alignedSize({ height, width }, config));
    const need = this.#plan.memoryFor([1, ...size]) + mapsOfLogits(maps, { ...config, height, width });
    requireMemory({ image: { height, width }, need, available: availableMemory() + memoryKept() });
    return { ...this.#input, size, alignCorners: config.upsampling.alignCorners };
  }
}

/** Windows in a run of the plan: small ones are faster together, larger ones are not. */
function together({ size: { height, width }, flip }: Pick<WindowPlace, "size" | "flip">): number {
  return Math.max(1, Math.floor(TOGETHER / ((flip ? 2 : 1) * height * width)));
}

/** Photographs as tensors, each made once. */
class Photographs {
  readonly #tensors = new Map<Image, Tensor>();

  tensor(photograph: Image): Tensor {
    const { data, height, width } = photograph;
    const made = this.#tensors.get(photograph) ?? keep(tensor(data, [1, height, width, channelsOf(photograph)]));
    this.#tensors.set(photograph, made);
    return made;
  }

  [Symbol.dispose](): void {
    for (const made of this.#tensors.values()) made.dispose();
  }
}

function free(logits: Tensor): void {
  logits.dispose();
}

function sides({ height, width }: Size): [number, number] {
  return [height, width];
}
