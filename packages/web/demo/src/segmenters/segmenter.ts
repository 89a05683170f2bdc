import type { ClassArea, ClassList, LabelMap, SegmentProgress } from "@pspnet/core";
import type { Photograph } from "../picture/photograph.js";
import type { Task } from "../state/oneAtATime.js";

/** How finely a photograph is looked at where the page decides. */
export type Detail = "quick" | "finer" | "every";

/** What is told of a network. */
export interface NetworkFacts {
  readonly name: string;
  readonly classes: ClassList;
  readonly where: "browser" | "server";
  /** `WebAssembly, 2 threads`. */
  readonly runsOn: string;
  /** Why it does not run on something better. */
  readonly because: string | null;
  /** In words, where somebody measured it. */
  readonly score: string | null;
  readonly licence: string;
  /** Pixels of the long side, by the detail; null where the page does not decide. */
  readonly looksAt: Readonly<Record<"quick" | "finer", number>> | null;
}

/** What was found in a photograph. */
export interface Found {
  readonly labels: LabelMap;
  readonly classes: ClassList;
  /** The largest first. */
  readonly areas: readonly ClassArea[];
  /** From asking to the answer. */
  readonly milliseconds: number;
}

export interface LookOptions {
  readonly detail: Detail;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: SegmentProgress) => void;
}

/** A network that is ready, wherever it runs. */
export interface Segmenter {
  readonly facts: NetworkFacts;
  segment(photograph: Photograph, options: LookOptions): Promise<Found>;
  close(): void;
}

/** Makes a network ready. */
export type Open = (task: Task) => Promise<Segmenter>;
