import type { State } from "@pspnet/checkpoints";
import { averagedLabels, averagedProbabilities, type WindowLogits } from "../evaluate/averagedProbabilities.js";
import { notFinite } from "../evaluate/notFinite.js";
import type { Size } from "../evaluate/tiles.js";
import { type Graph, withoutValues } from "../graph/graph.js";
import { peakBytes } from "../graph/memory.js";
import { networkGraph } from "../graph/networkGraph.js";
import type { LabelMap, RgbImage } from "../image/image.js";
import { normalisationTable } from "../image/normalise.js";
import { exportOnnx } from "../onnx/exportOnnx.js";
import { optimise } from "../passes/optimise.js";
import type { ModelDescription } from "../weights/modelFile.js";
import { aligned, fromBands, lookAtWindows } from "./lookAtWindows.js";
import { mapsOfLogits, requireMemory } from "./memory.js";
import { isWholeImage, type Protocol } from "./protocol.js";
import type { AskOptions, Runtime } from "./runtime.js";
import { type WindowLook, windowInput } from "./windowInput.js";

type Output = "labels" | "logits8" | "logits";

/** A model that onnxruntime has loaded: the session of onnxruntime-node, onnxruntime-web, or one in another thread. */
export interface OnnxSession {
  /** The values named `outputs`, of images `[n, 3, h, w]`. */
  run(images: OnnxImages, outputs: readonly string[]): Promise<Readonly<Record<string, OnnxResult>>>;
  release(): Promise<void>;
}

export interface OnnxImages {
  readonly data: Float32Array;
  readonly dims: readonly [n: number, channels: 3, h: number, w: number];
}

export interface OnnxResult {
  readonly data: unknown;
  readonly dims: readonly number[];
}

interface Session {
  readonly session: OnnxSession;
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
  /** Has onnxruntime load a model, the bytes of an ONNX file. */
  readonly openSession: (model: Uint8Array) => Promise<OnnxSession>;
  /** Bytes that may still be taken: an image that needs more as a whole is refused. */
  readonly availableMemory: () => number;
}

/**
 * A network on onnxruntime, wherever that is. A session is made when the first question needs it, from a model that takes images
 * of any size.
 */
export class OnnxSegmenter implements Runtime {
  readonly name = "onnx";
  readonly #parts: OnnxSegmenterParts;
  /** How bytes become the network's input. */
  readonly #input: Pick<WindowLook, "table" | "reversed">;
  readonly #sessions = new Map<Output, Promise<Session>>();

  constructor(parts: OnnxSegmenterParts) {
    this.#parts = parts;
    const { description } = parts;
    this.#input = { table: normalisationTable(description), reversed: description.channelOrder === "bgr" };
  }

  async labels(image: RgbImage, options: Protocol & AskOptions): Promise<LabelMap> {
    const { width, height } = image;
    if (!isWholeImage(options)) {
      const bands = this.#bands(image, options);
      return { width, height, data: await fromBands(bands, averagedLabels, new Uint8Array(height * width)) };
    }
    const [found, size] = await this.#whole<Uint8Array>("labels", image, options);
    return { width, height, data: cropped(found, { from: size, to: image, channels: 1 }) };
  }

  async probabilities(image: RgbImage, options: Protocol & AskOptions): Promise<Float32Array> {
    const values = new Float32Array(this.#classes * image.height * image.width);
    return fromBands(this.#bands(image, options), averagedProbabilities, values);
  }

  async logits(image: RgbImage, options: AskOptions = {}): Promise<Float32Array> {
    const [found, size] = await this.#whole<Float32Array>("logits", image, options);
    return cropped(found, { from: size, to: image, channels: this.#classes });
  }

  async [Symbol.asyncDispose](): Promise<void> {
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
    requireMemory({ image: { width, height }, need, available: this.#parts.availableMemory() });
    const whole = { scaled: image, top: 0, left: 0, window: image, size, flip: false };
    const { data } = await this.#run(output, windowInput(image, { ...this.#input, ...whole }), size);
    onWindow?.(1, 1);
    return [data as T, size];
  }

  #bands(image: RgbImage, options: Protocol & AskOptions) {
    const { flip } = options;
    return lookAtWindows<WindowLogits>(image, {
      ...options,
      config: this.#parts.description.config,
      look: async (scaled, { top, left, enlarged: size }) => {
        const look = { scaled, top, left, window: scaled.grid.window, size, flip };
        const { data, dims } = await this.#run("logits8", windowInput(image, { ...this.#input, ...look }), size);
        return { data: data as Float32Array, shape: dims as unknown as WindowLogits["shape"] };
      },
    });
  }

  async #run(output: Output, data: Float32Array, { height, width }: Size): Promise<OnnxResult> {
    const { session } = await this.#session(output);
    const dims = [data.length / (3 * height * width), 3, height, width] as const;
    const results = await session.run({ data, dims }, [output, "finite"]);
    // The logits themselves are what a network makes, whatever that is.
    if (output !== "logits" && (results.finite.data as Uint8Array)[0] === 0) throw notFinite();
    return results[output];
  }

  #session(output: Output): Promise<Session> {
    let session = this.#sessions.get(output);
    if (!session) {
      session = startSession(output, this.#parts);
      this.#sessions.set(output, session);
    }
    return session;
  }
}

async function startSession(output: Output, { state, description, openSession }: OnnxSegmenterParts): Promise<Session> {
  const graph = optimise(networkGraph(description.config, state));
  const { model } = exportOnnx(graph, description, { output, finite: true });
  return { session: await openSession(model), graph: withoutValues(graph) };
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
