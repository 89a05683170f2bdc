import type { Image, LabelMap } from "../image/image.js";
import type { Protocol } from "../protocols/protocol.js";
import type { OverTime } from "./averagesOverTime.js";

export const RUNTIMES = ["torch", "onnx"] as const;

export type RuntimeName = (typeof RUNTIMES)[number];

export interface AskOptions {
  /** Ends the work before its next window. */
  readonly signal?: AbortSignal;
  /** Called after each window with the number of those done and of all. */
  readonly onWindow?: (done: number, total: number) => void;
}

export interface LabelsOptions extends Protocol, AskOptions {
  /** Has class probabilities averaged with those of the images before it in a sequence. */
  readonly overTime?: OverTime;
}

/**
 * A network that runs, wherever it does: photographs in, answers out, the same from each runtime up to rounding.
 * What is asked for while something else is worked on waits for its turn.
 */
export interface Runtime extends AsyncDisposable {
  readonly name: RuntimeName;
  /** What computes and in what arithmetic, as `cpu in bf16`, where the runtime knows. */
  readonly arithmetic?: string;
  /** The names of the convolutions that the last run multiplied in Winograd's form, where the runtime chooses so itself. */
  readonly winograd?: readonly string[];
  /** The most probable class of each pixel. */
  labels(image: Image, options: LabelsOptions): Promise<LabelMap>;
  /** Frees the average over time of a sequence, when what was asked of it is done. */
  forget(sequence: number): Promise<void>;
  /** Class probabilities averaged over scales, windows and flips: float32 `[classes, h, w]`, row-major. */
  probabilities(image: Image, options: Protocol & AskOptions): Promise<Float32Array>;
  /** Logits of one pass over the whole image, enlarged to its size: float32 `[classes, h, w]`, row-major. */
  logits(image: Image, options?: AskOptions): Promise<Float32Array>;
}
