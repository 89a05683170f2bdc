import { availableParallelism } from "node:os";
import {
  averagedLabels,
  averagedProbabilities,
  exportOnnx,
  type LabelMap,
  type ModelDescription,
  networkGraph,
  normalise,
  optimise,
  planWindows,
  type RgbImage,
  type Size,
  type State,
  type WindowLogits,
} from "@pspnet/core";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { aligned, lookAtWindows } from "./lookAtWindows.js";
import { cutWindow, type Planes, resized } from "./planes.js";
import { isWholeImage, type Protocol } from "./protocol.js";
import { computing, type Rest } from "./restAtExit.js";
import type { AskOptions } from "./runtime.js";

type Output = "labels" | "logits8" | "logits";

export interface OnnxSegmenterParts {
  readonly state: State;
  readonly description: ModelDescription;
  /** Compute threads; 0: one per core. */
  readonly threads?: number;
  readonly rest: Rest;
}

/**
 * What `TorchSegmenter` is for libtorch, with onnxruntime-node: the same protocol on the same plan of windows. A session is made when
 * the first question needs it, from a model that takes images of any size. It blocks its thread while it computes.
 */
export class OnnxSegmenter {
  readonly #parts: OnnxSegmenterParts;
  readonly #sessions = new Map<Output, Promise<InferenceSession>>();

  constructor(parts: OnnxSegmenterParts) {
    this.#parts = parts;
  }

  async labels(image: RgbImage, protocol: Protocol, options: AskOptions = {}): Promise<LabelMap> {
    const { width, height } = image;
    if (!isWholeImage(protocol)) {
      return { width, height, data: averagedLabels(...(await this.#scales(image, protocol, options))) };
    }
    const [found, size] = await this.#whole<Uint8Array>("labels", image, options);
    return { width, height, data: cropped(found, { from: size, to: image, channels: 1 }) };
  }

  async probabilities(image: RgbImage, protocol: Protocol, options: AskOptions = {}): Promise<Float32Array> {
    return averagedProbabilities(...(await this.#scales(image, protocol, options)));
  }

  async logits(image: RgbImage, options: AskOptions = {}): Promise<Float32Array> {
    const [found, size] = await this.#whole<Float32Array>("logits", image, options);
    return cropped(found, { from: size, to: image, channels: this.#classes });
  }

  async dispose(): Promise<void> {
    const sessions = await Promise.allSettled(this.#sessions.values());
    this.#sessions.clear();
    for (const session of sessions) if (session.status === "fulfilled") await session.value.release();
  }

  get #classes(): number {
    return this.#parts.description.config.classes;
  }

  /** One pass over the whole image: the output and its size, which is the image's or more. */
  async #whole<T extends Uint8Array | Float32Array>(
    output: Output,
    image: RgbImage,
    { signal, onWindow }: AskOptions,
  ): Promise<[T, Size]> {
    await this.#session(output);
    signal?.throwIfAborted();
    const plan = planWindows({ width: image.width, height: image.height }, { crop: null });
    const size = aligned(image, this.#parts.description.config);
    const input = cutWindow(this.#planes(image), { plan, corner: { top: 0, left: 0 }, size, flip: false });
    const { data } = await this.#run(output, { input, size });
    onWindow?.(1, 1);
    return [data as T, size];
  }

  /** The logits of all windows, and what is needed to average them. */
  async #scales(image: RgbImage, protocol: Protocol, options: AskOptions) {
    const pixels = this.#planes(image);
    return lookAtWindows<WindowLogits>(image, protocol, {
      ...options,
      config: this.#parts.description.config,
      atScale: ({ plan, enlarged, ...size }, each) => {
        const scaled = resized(pixels, size);
        return each(async (corner) => {
          const input = cutWindow(scaled, { plan, corner, size: enlarged, flip: protocol.flip });
          const { data, dims } = await this.#run("logits8", { input, size: enlarged });
          return { data: data as Float32Array, shape: dims as unknown as WindowLogits["shape"] };
        });
      },
    });
  }

  async #run(
    output: Output,
    { input, size: { height, width } }: { readonly input: Float32Array; readonly size: Size },
  ): Promise<Tensor> {
    const session = await this.#session(output);
    const image = new Tensor("float32", input, [input.length / (3 * height * width), 3, height, width]);
    return (await computing(this.#parts.rest, () => session.run({ image })))[output];
  }

  #planes(image: RgbImage): Planes {
    return { channels: 3, width: image.width, height: image.height, data: normalise(image, this.#parts.description) };
  }

  #session(output: Output): Promise<InferenceSession> {
    let session = this.#sessions.get(output);
    if (!session) {
      session = openSession(output, this.#parts);
      this.#sessions.set(output, session);
    }
    return session;
  }
}

function openSession(
  output: Output,
  { state, description, threads = 0, rest }: OnnxSegmenterParts,
): Promise<InferenceSession> {
  const graph = optimise(networkGraph(description.config, state));
  const { model } = exportOnnx(graph, description, { output });
  // Left to itself onnxruntime takes a thread per physical core, and half of a machine that counts otherwise.
  const options = { intraOpNumThreads: threads > 0 ? threads : availableParallelism() };
  return computing(rest, () => InferenceSession.create(model, options));
}

/** The upper left part of maps `[channels, h, w]`. */
function cropped<T extends Uint8Array | Float32Array>(
  data: T,
  { from, to, channels }: { readonly from: Size; readonly to: Size; readonly channels: number },
): T {
  if (from.height === to.height && from.width === to.width) return data;
  const plane = to.height * to.width;
  const result = new (data.constructor as new (length: number) => T)(channels * plane);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < to.height; y++) {
      const start = (c * from.height + y) * from.width;
      result.set(data.subarray(start, start + to.width), c * plane + y * to.width);
    }
  }
  return result;
}
