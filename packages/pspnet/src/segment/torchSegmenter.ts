import {
  alignedSize,
  type LabelMap,
  type ModelDescription,
  networkGraph,
  normalisationTable,
  optimise,
  type Pass,
  planPasses,
  type RgbImage,
  type State,
  type WindowPlan,
  windowCounts,
} from "@pspnet/core";
import { fromBuffer, noGrad, Plan, scope, type Tensor, tensor, zeros } from "@pspnet/torch";
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
  readonly #device: string;
  readonly #table: Float32Array;

  constructor(description: NetworkDescription, state: State, { device, bf16 }: Engine) {
    const half = device === "cuda" ? "float16" : "bfloat16";
    const { crop, config } = description;
    const graph = optimise(networkGraph(config, state));
    this.#plan = new Plan(graph, { dtype: bf16 ? half : "float32", device, usualSize: [crop, crop] });
    this.#description = description;
    this.#device = device;
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
    const data = await scope(async () => {
      const probabilities = await this.#probabilities(image, protocol, options);
      return probabilities.argmax(1).to({ dtype: "uint8" }).toArray() as Uint8Array;
    });
    return { width, height, data };
  }

  probabilities(image: RgbImage, protocol: Protocol, options: AskOptions = {}): Promise<Float32Array> {
    return scope(async () => (await this.#probabilities(image, protocol, options)).toArray() as Float32Array);
  }

  logits(image: RgbImage, { signal, onWindow }: AskOptions = {}): Promise<Float32Array> {
    return scope(async () => {
      signal?.throwIfAborted();
      const logits = await this.#plan.logits(this.#features(image), this.#enlarge(image.height, image.width));
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

  /** `[1, classes, h, w]` */
  async #probabilities(image: RgbImage, protocol: Protocol, { signal, onWindow }: AskOptions): Promise<Tensor> {
    const { width, height } = image;
    const total = windowTotal(image, protocol);
    let done = 0;
    const onOne = () => {
      signal?.throwIfAborted();
      onWindow?.(++done, total);
    };
    const features = this.#features(image);
    let sum: Tensor | null = null;
    for (const pass of planPasses({ width, height }, protocol)) {
      const scaled = await scope(async () => {
        const probabilities = await this.#pass(features, pass, { flip: protocol.flip, onWindow: onOne });
        return noGrad(() => resizeTo(probabilities, [height, width]));
      });
      sum = sum === null ? scaled : sum.add_(scaled);
    }
    return sum!.div(protocol.scales.length);
  }

  /** Probabilities at one scale, `[1, classes, h, w]` of that scale. */
  async #pass(
    features: Tensor,
    { width, height, plan }: Pass,
    { flip, onWindow }: { readonly flip: boolean; readonly onWindow: () => void },
  ): Promise<Tensor> {
    const { padding, padded, window, windows } = plan;
    const { left, right, top, bottom } = padding;
    // Padding with 0 after the normalisation is padding with the mean colour, as the protocol wants it.
    const x = resizeTo(features, [height, width]).pad([left, right, top, bottom]);
    const sum = zeros([1, this.#description.config.classes, padded.height, padded.width], { device: this.#device });
    const options = { flip, ...this.#enlarge(window.height, window.width) };
    const cut = (whole: Tensor, at: { readonly top: number; readonly left: number }) =>
      whole.narrow(2, at.top, window.height).narrow(3, at.left, window.width);
    for (const at of windows) {
      await scope(async () => cut(sum, at).add_(await this.#plan.probabilities(cut(x, at), options)));
      onWindow();
    }
    return sum.div(this.#counts(plan)).narrow(2, top, height).narrow(3, left, width);
  }

  /** The network's input for an image, `[1, 3, h, w]`. Resizing it is resizing the image: both are linear. */
  #features(image: RgbImage): Tensor {
    const { width, height } = image;
    const { mean, std, channelOrder } = this.#description;
    const pixels = fromBuffer(this.#ordered(image), [1, height, width, 3]).permute(0, 3, 1, 2);
    const perChannel = (values: readonly number[]) => {
      const ordered = channelOrder === "bgr" ? values.toReversed() : values;
      return tensor(
        ordered.map((value) => 255 * value),
        [1, 3, 1, 1],
        { device: this.#device },
      );
    };
    return pixels.to({ dtype: "float32", device: this.#device }).sub(perChannel(mean)).div(perChannel(std));
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

  #counts(plan: WindowPlan): Tensor {
    const { height, width } = plan.padded;
    return tensor(Float32Array.from(windowCounts(plan)), [1, 1, height, width], { device: this.#device });
  }
}

function tableOf(description: NetworkDescription): Float32Array {
  const { mean, std, channelOrder } = description;
  if (channelOrder === "rgb") return normalisationTable(description);
  const reversed = (values: readonly [number, number, number]) => [values[2], values[1], values[0]] as const;
  return normalisationTable({ mean: reversed(mean), std: reversed(std), channelOrder });
}

/** cv2.resize INTER_LINEAR: half-pixel centres, no smoothing when shrinking. */
function resizeTo(x: Tensor, [height, width]: readonly [number, number]): Tensor {
  if (x.shape[2] === height && x.shape[3] === width) return x;
  return x.resize([height, width], { alignCorners: false });
}
