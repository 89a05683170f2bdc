import { availableParallelism } from "node:os";
import {
  averagedLabels,
  averagedProbabilities,
  exportOnnx,
  type Graph,
  type LabelMap,
  type ModelDescription,
  networkGraph,
  normalisationTable,
  notFinite,
  optimise,
  peakBytes,
  type RgbImage,
  type Size,
  type State,
  type WindowLogits,
  withoutValues,
} from "@pspnet/core";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { aligned, fromBands, lookAtWindows } from "./lookAtWindows.js";
import { availableMemory, mapsOfLogits, requireMemory } from "./memory.js";
import { isWholeImage, type Protocol } from "./protocol.js";
import { computing, type Rest } from "./restAtExit.js";
import type { AskOptions } from "./runtime.js";
import { type WindowLook, windowInput } from "./windowInput.js";

type Output = "labels" | "logits8" | "logits";

interface Session {
  readonly session: InferenceSession;
  /** What it computes, without weights. */
  readonly graph: Graph;
}

/** What onnxruntime takes of memory for a large image, over what lives at once of the graph's values: 1.2 to 1.7 was measured. */
const ONNX_MEMORY = 1.7;

/** Maps of enlarged logits that live at once beside that. */
const ENLARGED: Readonly<Record<Output, number>> = { labels: 1, logits8: 0, logits: 3 };

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
  /** How bytes become the network's input. */
  readonly #input: Pick<WindowLook, "table" | "reversed">;
  readonly #sessions = new Map<Output, Promise<Session>>();

  constructor(parts: OnnxSegmenterParts) {
    this.#parts = parts;
    const { description } = parts;
    this.#input = { table: normalisationTable(description), reversed: description.channelOrder === "bgr" };
  }

  async labels(image: RgbImage, protocol: Protocol, options: AskOptions = {}): Promise<LabelMap> {
    const { width, height } = image;
    if (!isWholeImage(protocol)) {
      const bands = this.#bands(image, protocol, options);
      return { width, height, data: await fromBands(bands, averagedLabels, new Uint8Array(height * width)) };
    }
    const [found, size] = await this.#whole<Uint8Array>("labels", image, options);
    return { width, height, data: cropped(found, { from: size, to: image, channels: 1 }) };
  }

  async probabilities(image: RgbImage, protocol: Protocol, options: AskOptions = {}): Promise<Float32Array> {
    const values = new Float32Array(this.#classes * image.height * image.width);
    return fromBands(this.#bands(image, protocol, options), averagedProbabilities, values);
  }

  async logits(image: RgbImage, options: AskOptions = {}): Promise<Float32Array> {
    const [found, size] = await this.#whole<Float32Array>("logits", image, options);
    return cropped(found, { from: size, to: image, channels: this.#classes });
  }

  async dispose(): Promise<void> {
    const sessions = await Promise.allSettled(this.#sessions.values());
    this.#sessions.clear();
    for (const session of sessions) if (session.status === "fulfilled") await session.value.session.release();
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
    const { graph } = await this.#session(output);
    signal?.throwIfAborted();
    const { width, height } = image;
    const size = aligned(image, this.#parts.description.config);
    const input = { [graph.inputs[0].name]: [1, 3, size.height, size.width] };
    const maps = mapsOfLogits(ENLARGED[output], { classes: this.#classes, ...size });
    const need = ONNX_MEMORY * peakBytes(graph, input, { bytes: 4 }) + maps;
    requireMemory({ image: { width, height }, need, available: availableMemory() });
    const whole = { scaled: image, top: 0, left: 0, window: image, size, flip: false };
    const { data } = await this.#run(output, windowInput(image, { ...this.#input, ...whole }), size);
    onWindow?.(1, 1);
    return [data as T, size];
  }

  #bands(image: RgbImage, protocol: Protocol, options: AskOptions) {
    const { flip } = protocol;
    return lookAtWindows<WindowLogits>(image, protocol, {
      ...options,
      config: this.#parts.description.config,
      look: async (scaled, { top, left, enlarged: size }) => {
        const look = { scaled, top, left, window: scaled.plan.window, size, flip };
        const { data, dims } = await this.#run("logits8", windowInput(image, { ...this.#input, ...look }), size);
        return { data: data as Float32Array, shape: dims as unknown as WindowLogits["shape"] };
      },
    });
  }

  async #run(output: Output, input: Float32Array, { height, width }: Size): Promise<Tensor> {
    const { session } = await this.#session(output);
    const image = new Tensor("float32", input, [input.length / (3 * height * width), 3, height, width]);
    const results = await computing(this.#parts.rest, () => session.run({ image }));
    // The logits themselves are what a network makes, whatever that is.
    if (output !== "logits" && results.finite.data[0] === 0) throw notFinite();
    return results[output];
  }

  #session(output: Output): Promise<Session> {
    let session = this.#sessions.get(output);
    if (!session) {
      session = openSession(output, this.#parts);
      this.#sessions.set(output, session);
    }
    return session;
  }
}

async function openSession(
  output: Output,
  { state, description, threads = 0, rest }: OnnxSegmenterParts,
): Promise<Session> {
  const graph = optimise(networkGraph(description.config, state));
  const { model } = exportOnnx(graph, description, { output, finite: true });
  // Left to itself onnxruntime takes a thread per physical core, and half of a machine that counts otherwise.
  const options = { intraOpNumThreads: threads > 0 ? threads : availableParallelism() };
  return { session: await computing(rest, () => InferenceSession.create(model, options)), graph: withoutValues(graph) };
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
