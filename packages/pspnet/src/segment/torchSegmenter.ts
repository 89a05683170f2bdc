import {
  type AverageOptions,
  alignedSize,
  type LabelMap,
  type ModelDescription,
  networkGraph,
  normalisationTable,
  optimise,
  type Pass,
  planPasses,
  type RgbImage,
  type ScaledLogits,
  type Size,
  type State,
  type WindowPlan,
} from "@pspnet/core";
import { averagedLabels, averagedProbabilities, Plan, scaledFeatures, scope, type Tensor } from "@pspnet/torch";
import { type Engine, type EngineOptions, openEngine } from "./engine.js";
import { isWholeImage, type Protocol, windowTotal } from "./protocol.js";
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
  readonly #table: Float32Array;

  constructor(description: NetworkDescription, state: State, { device, bf16 }: Engine) {
    const half = device === "cuda" ? "float16" : "bfloat16";
    const { crop, config } = description;
    const graph = optimise(networkGraph(config, state));
    this.#plan = new Plan(graph, { dtype: bf16 ? half : "float32", device, usualSize: [crop, crop] });
    this.#description = description;
    this.#table = tableOf(description);
  }

  async labels(image: RgbImage, protocol: Protocol, options: AskOptions = {}): Promise<LabelMap> {
    const { width, height } = image;
    const { signal, onWindow } = options;
    signal?.throwIfAborted();
    if (isWholeImage(protocol)) {
      const size = [1, height, width] as const;
      const data = await this.#plan.labels(this.#ordered(image), size, {
        table: this.#table,
        ...this.#enlarge(height, width),
      });
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
    { signal, onWindow, finish }: AskOptions & { readonly finish: Finish<R> },
  ): Promise<R> {
    const total = windowTotal(image, protocol);
    let done = 0;
    const onOne = () => {
      signal?.throwIfAborted();
      onWindow?.(++done, total);
    };
    const { width, height } = image;
    return scope(async () => {
      const scales: ScaledLogits<Tensor>[] = [];
      for (const pass of planPasses({ width, height }, protocol)) {
        signal?.throwIfAborted();
        scales.push(await scope(() => this.#pass(image, pass, { flip: protocol.flip, onWindow: onOne })));
      }
      return finish(scales, { size: image, alignCorners: this.#description.config.alignCorners });
    });
  }

  /** The logits of the windows at one scale. */
  async #pass(
    image: RgbImage,
    { height, width, plan }: Pass,
    { flip, onWindow }: { readonly flip: boolean; readonly onWindow: () => void },
  ): Promise<ScaledLogits<Tensor>> {
    const features = await this.#features(image, { height, width, padding: plan.padding });
    const window = [plan.window.height, plan.window.width] as const;
    const { size } = this.#enlarge(...window);
    const windows: Tensor[] = [];
    for (const { top, left } of plan.windows) {
      windows.push(await this.#plan.window(features, { corner: [top, left], window, size, flip }));
      onWindow();
    }
    return { size: { height, width }, plan, enlarged: { height: size[0], width: size[1] }, windows };
  }

  /**
   * The network's input for an image at some size with padding, `[1, 3, h, w]`. Resizing it is resizing the image: both are linear. Padding
   * with 0 after the normalisation is padding with the mean colour, as the protocol wants it.
   */
  #features(image: RgbImage, { height, width, padding }: Size & Pick<WindowPlan, "padding">): Promise<Tensor> {
    const { left, right, top, bottom } = padding;
    return scaledFeatures(this.#ordered(image), [image.height, image.width], {
      table: this.#table,
      size: [height, width],
      padding: [left, right, top, bottom],
    });
  }

  /** An image's bytes in the network's order of channels. */
  #ordered({ data }: RgbImage): Uint8Array {
    if (this.#description.channelOrder === "rgb") return data;
    const reversed = new Uint8Array(data.length);
    for (let i = 0; i < data.length; i++) reversed[i] = data[i + 2 - 2 * (i % 3)];
    return reversed;
  }

  #enlarge(height: number, width: number): { readonly size: [number, number]; readonly alignCorners: boolean } {
    const { config } = this.#description;
    return { size: alignedSize([height, width], config), alignCorners: config.alignCorners };
  }
}

type Finish<R> = (scales: readonly ScaledLogits<Tensor>[], options: AverageOptions) => Promise<R>;

const NO_PADDING = { top: 0, left: 0, bottom: 0, right: 0 };

function tableOf(description: NetworkDescription): Float32Array {
  const { mean, std, channelOrder } = description;
  if (channelOrder === "rgb") return normalisationTable(description);
  const reversed = (values: readonly [number, number, number]) => [values[2], values[1], values[0]] as const;
  return normalisationTable({ mean: reversed(mean), std: reversed(std), channelOrder });
}
