import {
  type AverageOptions,
  alignedSize,
  type LabelMap,
  type ModelDescription,
  networkGraph,
  normalisationTable,
  optimise,
  type RgbImage,
  type ScaledLogits,
  type Size,
  type State,
  type WindowPlan,
} from "@pspnet/core";
import {
  averagedLabels,
  averagedProbabilities,
  type ByteOptions,
  Plan,
  scaledFeatures,
  scope,
  type Tensor,
} from "@pspnet/torch";
import { type Engine, type EngineOptions, openEngine } from "./engine.js";
import { lookAtWindows } from "./lookAtWindows.js";
import { isWholeImage, type Protocol } from "./protocol.js";
import type { AskOptions, Runtime } from "./runtime.js";
import type { Weights } from "./weights.js";

/** What is said of a network beside its weights. */
export type NetworkDescription = Pick<ModelDescription, "config" | "mean" | "std" | "channelOrder" | "crop">;

/**
 * A network on libtorch.
 *
 * @throws PspnetError "environment" when its addon is not built or does not load, or has no such device.
 */
export function openTorchSegmenter({ description, state }: Weights, options: EngineOptions): TorchSegmenter {
  return new TorchSegmenter(description, state, openEngine(options));
}

/**
 * A network compiled into a plan, with its input's normalisation: photographs in, labels out, by the official release's
 * `tool/test.py`. The weights are copied: what becomes of `state` later changes nothing.
 */
export class TorchSegmenter implements Runtime {
  readonly name = "torch";
  readonly #plan: Plan;
  readonly #description: NetworkDescription;
  /** How bytes become the network's input. */
  readonly #input: ByteOptions;

  constructor(description: NetworkDescription, state: State, { device, bf16 }: Engine) {
    const half = device === "cuda" ? "float16" : "bfloat16";
    const { crop, config } = description;
    const graph = optimise(networkGraph(config, state));
    this.#plan = new Plan(graph, { dtype: bf16 ? half : "float32", device, usualSize: [crop, crop] });
    this.#description = description;
    this.#input = { table: normalisationTable(description), reversed: description.channelOrder === "bgr" };
  }

  async labels(image: RgbImage, protocol: Protocol, options: AskOptions = {}): Promise<LabelMap> {
    const { width, height } = image;
    const { signal, onWindow } = options;
    signal?.throwIfAborted();
    if (isWholeImage(protocol)) {
      const size = [1, height, width] as const;
      const data = await this.#plan.labels(image.data, size, { ...this.#input, ...this.#enlarge(height, width) });
      signal?.throwIfAborted();
      onWindow?.(1, 1);
      return { width, height, data };
    }
    const data = await this.#average(image, protocol, { ...options, finish: averagedLabels });
    return { width, height, data };
  }

  probabilities(image: RgbImage, protocol: Protocol, options: AskOptions = {}): Promise<Float32Array> {
    return this.#average(image, protocol, { ...options, finish: averagedProbabilities });
  }

  logits(image: RgbImage, { signal, onWindow }: AskOptions = {}): Promise<Float32Array> {
    return scope(async () => {
      signal?.throwIfAborted();
      const { height, width } = image;
      const features = await this.#features(image, { height, width, padding: NO_PADDING });
      const logits = await this.#plan.logits(features, this.#enlarge(height, width));
      signal?.throwIfAborted();
      onWindow?.(1, 1);
      return logits.toArray() as Float32Array;
    });
  }

  [Symbol.dispose](): void {
    this.#plan.dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#plan.dispose();
  }

  /** Runs the network on the windows of each scale and gives their logits to `finish`. */
  #average<R>(
    image: RgbImage,
    protocol: Protocol,
    { finish, ...options }: AskOptions & { readonly finish: Finish<R> },
  ): Promise<R> {
    const { flip } = protocol;
    const looked = () =>
      lookAtWindows<Tensor>(image, protocol, {
        ...options,
        config: this.#description.config,
        atScale: ({ height, width, plan: { padding, window }, enlarged }, each) =>
          scope(async () => {
            const features = await this.#features(image, { height, width, padding });
            const given = { window: sides(window), size: sides(enlarged), flip };
            return each(({ top, left }) => this.#plan.window(features, { corner: [top, left], ...given }));
          }),
      });
    return scope(async () => finish(...(await looked())));
  }

  /**
   * The network's input for an image at some size with padding, `[1, 3, h, w]`. Resizing it is resizing the image: both are linear. Padding
   * with 0 after the normalisation is padding with the mean colour, as the protocol wants it.
   */
  #features(image: RgbImage, { height, width, padding }: Size & Pick<WindowPlan, "padding">): Promise<Tensor> {
    const { left, right, top, bottom } = padding;
    return scaledFeatures(image.data, sides(image), {
      ...this.#input,
      size: [height, width],
      padding: [left, right, top, bottom],
    });
  }

  #enlarge(height: number, width: number): { readonly size: [number, number]; readonly alignCorners: boolean } {
    const { config } = this.#description;
    return { size: alignedSize([height, width], config), alignCorners: config.alignCorners };
  }
}

type Finish<R> = (scales: readonly ScaledLogits<Tensor>[], options: AverageOptions) => Promise<R>;

const NO_PADDING = { top: 0, left: 0, bottom: 0, right: 0 };

function sides({ height, width }: Size): [number, number] {
  return [height, width];
}
