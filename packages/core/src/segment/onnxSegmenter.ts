import type { State } from "@pspnet/checkpoints";
import { averagedLabels, averagedProbabilities } from "../evaluate/averagedProbabilities.js";
import { blendedProbabilities } from "../evaluate/blendedProbabilities.js";
import { enlargedLabels } from "../evaluate/enlargedLabels.js";
import { enlargedLogits } from "../evaluate/enlargedLogits.js";
import type { WindowLogits } from "../evaluate/enlargedRows.js";
import { notFinite } from "../evaluate/notFinite.js";
import { type Graph, type Node, withoutValues } from "../graph/graph.js";
import { peakBytes } from "../graph/memory.js";
import { networkGraph, predictorShapes, tracePredictor } from "../graph/networkGraph.js";
import type { Image, LabelMap, Size } from "../image/image.js";
import { type ByteInput, byteInput, inputChannels } from "../image/normalise.js";
import { alignedSize } from "../model/logits.js";
import { exportOnnx } from "../onnx/exportOnnx.js";
import { optimise } from "../passes/optimise.js";
import type { Protocol } from "../protocols/protocol.js";
import { isWholeImage, WHOLE_IMAGE } from "../protocols/protocols.js";
import { quantised } from "../quantise/quantisation.js";
import type { ModelDescription } from "../weights/modelFile.js";
import { AveragesOverTime } from "./averagesOverTime.js";
import { fromBands, type LookOptions, lookAtWindows } from "./lookAtWindows.js";
import { mapsOfLogits, requireMemory } from "./memory.js";
import type { AskOptions, LabelsOptions, Runtime } from "./runtime.js";
import { type WindowPlace, windowInput } from "./windowInput.js";

/** What onnxruntime takes of memory for a large image, over what lives at once of the graph's values: 1.2 to 1.7 was measured. */
const ONNX_MEMORY = 1.7;

/** Maps of enlarged logits that live at once when they are asked for: as they are made, put together, and the caller's. */
const ENLARGED = 3;

/** What convolutions by Winograd take of memory, of their input: its tiles overlap, as they are found and as they are multiplied. */
const TILES = (2 * 6 ** 2) / 4 ** 2;

/** A model that onnxruntime has loaded: the session of onnxruntime-node, onnxruntime-web, or one in another thread. */
export interface OnnxSession {
  /** The values named `outputs`, of images `[n, c, h, w]`. */
  run(images: OnnxImages, outputs: readonly string[]): Promise<Readonly<Record<string, OnnxResult>>>;
  release(): Promise<void>;
}

export interface OnnxImages {
  readonly data: Float32Array;
  readonly dims: readonly [n: number, channels: number, h: number, w: number];
}

export interface OnnxResult {
  readonly data: unknown;
  readonly dims: readonly number[];
}

export interface OnnxSegmenterParts {
  readonly state: State;
  readonly description: ModelDescription;
  /** Has onnxruntime load a model, the bytes of an ONNX file. */
  readonly openSession: (model: Uint8Array) => Promise<OnnxSession>;
  /** Bytes that may still be taken: an image that needs more as a whole is refused. */
  readonly availableMemory: () => number;
  /** Whether convolutions are said by Winograd, see `exportOnnx`. Left out, they are not. */
  readonly winograd?: boolean;
  /** Whether convolutions are computed in bytes, as the weights of `pspnet quantise` say. Left out, they are not. */
  readonly int8?: boolean;
  /** The weights' file, for messages. */
  readonly source?: string;
}

/**
 * Has onnxruntime load a network, which holds its weights from then on: nobody else needs them.
 *
 * The one session gives the logits at 1/8. onnxruntime computes all outputs of a model, whichever are asked for, so that labels and
 * enlarged logits, which core makes row by row, would cost their time and memory at every question.
 */
export async function openOnnxSegmenter(given: OnnxSegmenterParts): Promise<OnnxSegmenter> {
  const { state, description, int8 = false, source, ...parts } = given;
  const real = optimise(networkGraph(description.config, state));
  const graph = int8 ? quantised(real, description, source) : real;
  const { model } = exportOnnx(graph, description, { output: "logits8", winograd: parts.winograd });
  const session = await parts.openSession(model);
  return new OnnxSegmenter({ ...parts, session, description, graph: withoutValues(graph) });
}

export interface OnnxModelParts extends Omit<OnnxSegmenterParts, "state" | "winograd" | "int8" | "source"> {
  /** The bytes of a file that `exportOnnx` made for images of any size, with `logits8` among its outputs. */
  readonly model: Uint8Array;
}

/** The same of a network that is an ONNX model already. */
export async function openOnnxModel({ model, description, ...parts }: OnnxModelParts): Promise<OnnxSegmenter> {
  const session = await parts.openSession(model);
  const network = predictorShapes(description.config);
  return new OnnxSegmenter({
    ...parts,
    session,
    description,
    graph: tracePredictor(network, (x) => network.forward(x).out),
  });
}

interface OpenedParts extends Pick<OnnxSegmenterParts, "description" | "availableMemory" | "winograd"> {
  readonly session: OnnxSession;
  /** What it computes, without weights. */
  readonly graph: Graph;
}

/** A network on onnxruntime, wherever that is, for images of any size. */
export class OnnxSegmenter implements Runtime {
  readonly name = "onnx";
  readonly #parts: OpenedParts;
  /** How bytes become the network's input. */
  readonly #input: ByteInput;
  readonly #averages = new AveragesOverTime<WindowLogits>({ blend: blendedProbabilities });

  /** @internal */
  constructor(parts: OpenedParts) {
    this.#parts = parts;
    this.#input = byteInput(parts.description.config.input);
  }

  async labels(image: Image, { overTime, ...options }: LabelsOptions): Promise<LabelMap> {
    const { width, height } = image;
    const whole = isWholeImage(options);
    if (whole) this.#requireMemory(image, 0);
    const average = whole ? enlargedLabels : averagedLabels;
    const find = (look = this.#finite) =>
      fromBands(this.#bands(image, { ...options, look }), average, new Uint8Array(height * width));
    const data = await (overTime ? this.#averages.over(image, overTime, this.#finite, find) : find());
    return { width, height, data };
  }

  async probabilities(image: Image, options: Protocol & AskOptions): Promise<Float32Array> {
    const bands = this.#bands(image, { ...options, look: this.#finite });
    return fromBands(bands, averagedProbabilities, this.#maps(image));
  }

  async logits(image: Image, options: AskOptions = {}): Promise<Float32Array> {
    this.#requireMemory(image, ENLARGED);
    const bands = this.#bands(image, { ...WHOLE_IMAGE, ...options, look: this.#look });
    return fromBands(bands, enlargedLogits, this.#maps(image));
  }

  forget(sequence: number): Promise<void> {
    return this.#averages.forget(sequence);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.session.release();
  }

  #maps({ height, width }: Size): Float32Array {
    return new Float32Array(this.#parts.description.config.classes * height * width);
  }

  /** For a pass over the whole image, with `maps` of enlarged logits made of it. */
  #requireMemory({ width, height }: Size, maps: number): void {
    const { graph, description, availableMemory, winograd } = this.#parts;
    const size = alignedSize({ width, height }, description.config);
    const input = { [graph.inputs[0].name]: [1, inputChannels(description.config.input), size.height, size.width] };
    const logits = mapsOfLogits(maps, { ...description.config, width, height });
    const scratch = ({ operator, inputs: [x] }: Node, elements: (value: string) => number) =>
      winograd && operator === "conv2d" ? 4 * TILES * elements(x) : 0;
    const need = ONNX_MEMORY * peakBytes(graph, input, { bytes: 4, scratch }) + logits;
    requireMemory({ image: { width, height }, need, available: availableMemory() });
  }

  #bands(image: Image, options: Omit<LookOptions<WindowLogits>, "config">) {
    return lookAtWindows<WindowLogits>(image, { ...options, config: this.#parts.description.config });
  }

  /** What the network makes of a window, whatever that is. */
  readonly #look = async (photograph: Image, [place]: readonly WindowPlace[]): Promise<WindowLogits[]> => {
    const { session, description } = this.#parts;
    const { size, flip } = place;
    const data = windowInput(photograph, { ...this.#input, ...place });
    const dims = [flip ? 2 : 1, inputChannels(description.config.input), size.height, size.width] as const;
    const { logits8 } = await session.run({ data, dims }, ["logits8"]);
    return [{ data: logits8.data as Float32Array, shape: logits8.dims as WindowLogits["shape"] }];
  };

  /** The same; logits that are not finite are an error. */
  readonly #finite = async (photograph: Image, places: readonly WindowPlace[]): Promise<WindowLogits[]> => {
    const found = await this.#look(photograph, places);
    if (!allFinite(found[0].data)) throw notFinite();
    return found;
  };
}

/** Times 0 every number is 0, infinity and NaN are NaN. */
function allFinite(values: Float32Array): boolean {
  let nothing = 0;
  for (let i = 0; i < values.length; i++) nothing += 0 * values[i];
  return nothing === 0;
}
