import {
  alignedSize,
  type LabelMap,
  type ModelDescription,
  type Pass,
  type PSPNet,
  planPasses,
  type RgbImage,
  upsampleLogits,
  type WindowPlan,
  windowCounts,
} from "@pspnet/core";
import { autocast, fromBuffer, noGrad, scope, type Tensor, tensor, zeros } from "@pspnet/torch";
import type { Engine } from "./engine.js";
import type { Protocol } from "./protocol.js";

export interface SegmenterParts {
  readonly model: PSPNet;
  readonly engine: Engine;
  /** What the network's input must look like. */
  readonly input: Pick<ModelDescription, "mean" | "std" | "channelOrder">;
}

/**
 * A network with its input's normalisation: photographs in, labels out, by the official release's `tool/test.py`.
 * Puts the network into evaluation.
 */
export class Segmenter {
  readonly #model: PSPNet;
  readonly #engine: Engine;
  readonly #input: SegmenterParts["input"];

  constructor({ model, engine, input }: SegmenterParts) {
    this.#model = model;
    this.#engine = engine;
    this.#input = input;
  }

  /** The most probable class of each pixel. */
  labels(image: RgbImage, protocol: Protocol): LabelMap {
    const { width, height } = image;
    const single =
      protocol.scales.length === 1 && protocol.crop === null && !protocol.flip && protocol.baseSize === null;
    // Softmax keeps the order, so a single pass needs none.
    const data = this.#run(() => {
      const scores = single && protocol.scales[0] === 1 ? this.#logits(image) : this.#probabilities(image, protocol);
      return scores.argmax(1).to({ dtype: "uint8" }).toArray() as Uint8Array;
    });
    return { width, height, data };
  }

  /** Class probabilities averaged over scales, windows and flips: float32 `[classes, h, w]`, row-major. */
  probabilities(image: RgbImage, protocol: Protocol): Float32Array {
    return this.#run(() => this.#probabilities(image, protocol).toArray() as Float32Array);
  }

  /** Logits of one pass over the whole image, enlarged to its size: float32 `[classes, h, w]`, row-major. */
  logits(image: RgbImage): Float32Array {
    return this.#run(() => this.#logits(image).toArray() as Float32Array);
  }

  #run<R>(work: () => R): R {
    this.#model.eval();
    return scope(() => noGrad(work));
  }

  #logits(image: RgbImage): Tensor {
    return this.#forward(this.#normalise(this.#pixels(image)));
  }

  #probabilities(image: RgbImage, protocol: Protocol): Tensor {
    const { width, height } = image;
    const pixels = this.#pixels(image);
    let sum: Tensor | null = null;
    for (const pass of planPasses({ width, height }, protocol)) {
      const scaled = scope(() => resizeTo(this.#pass(pixels, pass, protocol.flip), [height, width]));
      sum = sum === null ? scaled : sum.add_(scaled);
    }
    return sum!.div(protocol.scales.length);
  }

  /** Probabilities at one scale, `[1, classes, h, w]` of that scale. */
  #pass(pixels: Tensor, { width, height, plan }: Pass, flip: boolean): Tensor {
    const { padding, window, windows } = plan;
    const padded = this.#normalise(resizeTo(pixels, [height, width])).pad([
      padding.left,
      padding.right,
      padding.top,
      padding.bottom,
    ]);
    const { device } = this.#engine;
    const sum = zeros([1, this.#model.config.classes, plan.padded.height, plan.padded.width], { device });
    for (const { top, left } of windows) {
      scope(() => {
        const crop = padded.narrow(2, top, window.height).narrow(3, left, window.width);
        sum.narrow(2, top, window.height).narrow(3, left, window.width).add_(this.#window(crop, flip));
      });
    }
    return sum.div(this.#counts(plan)).narrow(2, padding.top, height).narrow(3, padding.left, width);
  }

  /** Probabilities of one window, the mean of it and its mirror image when `flip`. */
  #window(crop: Tensor, flip: boolean): Tensor {
    if (!flip) return this.#forward(crop).softmax(1);
    const both = this.#forward(crop.cat([crop.flip(3)], 0)).softmax(1);
    return both
      .narrow(0, 0, 1)
      .add(both.narrow(0, 1, 1).flip(3))
      .div(2);
  }

  /** Logits at the size of the images, `[n, classes, h, w]`. */
  #forward(x: Tensor): Tensor {
    const { device, bf16 } = this.#engine;
    const { config } = this.#model;
    const [, , h, w] = x.shape;
    const aligned = alignedSize([h, w], config);
    const input = x.pad([0, aligned[1] - w, 0, aligned[0] - h]).contiguous("channelsLast");
    const { out } = autocast({ device, dtype: "bfloat16", enabled: bf16 }, () => this.#model.forward(input));
    const logits = upsampleLogits(out.to({ dtype: "float32" }), aligned, config);
    return logits.narrow(2, 0, h).narrow(3, 0, w);
  }

  /** `[1, 3, h, w]` of 0..255, channels in the network's order. */
  #pixels({ width, height, data }: RgbImage): Tensor {
    const rgb = fromBuffer(data, [1, height, width, 3])
      .permute(0, 3, 1, 2)
      .to({ dtype: "float32", device: this.#engine.device });
    return this.#input.channelOrder === "bgr" ? rgb.flip(1) : rgb;
  }

  /** (value / 255 - mean) / std. What is padded afterwards with 0 is of mean colour, as the protocol wants it. */
  #normalise(pixels: Tensor): Tensor {
    const perChannel = (values: readonly number[]) => {
      const ordered = this.#input.channelOrder === "bgr" ? values.toReversed() : values;
      return tensor(
        Float32Array.from(ordered, (value) => 255 * value),
        [1, 3, 1, 1],
        { device: this.#engine.device },
      );
    };
    return pixels.sub(perChannel(this.#input.mean)).div(perChannel(this.#input.std));
  }

  #counts(plan: WindowPlan): Tensor {
    const { height, width } = plan.padded;
    return tensor(Float32Array.from(windowCounts(plan)), [1, 1, height, width], { device: this.#engine.device });
  }
}

/** cv2.resize INTER_LINEAR: half-pixel centres, no smoothing when shrinking. */
function resizeTo(x: Tensor, [height, width]: readonly [number, number]): Tensor {
  if (x.shape[2] === height && x.shape[3] === width) return x;
  return x.resize([height, width], { alignCorners: false });
}
