import type { Photograph } from "../picture/photograph.js";
import type { Detail, Found, NetworkFacts } from "../segmenters/segmenter.js";
import type { Work } from "./oneAtATime.js";

/** Of errors and of all else that has to be read. */
export interface Message {
  readonly kind: "error" | "note";
  readonly text: string;
}

export interface State {
  /** What segments; null until there is something. */
  readonly network: NetworkFacts | null;
  readonly photograph: Photograph | null;
  /** What the network found in it; null until it did. */
  readonly found: Found | null;
  readonly opening: Work | null;
  readonly segmenting: Work | null;
  readonly message: Message | null;
  /** Whether the photographs are a camera's, one after another. */
  readonly live: boolean;
  readonly detail: Detail;
  /** Of the colours, 0 to 1. */
  readonly opacity: number;
  /** Left of it is the photograph alone: share of the width, 0 to 1. */
  readonly split: number;
  /** The class that alone is shown, and the one that is looked at in the legend, which goes first; null: all. */
  readonly isolated: number | null;
  readonly previewed: number | null;
  /** The class under the pointer. */
  readonly pointed: number | null;
}

export const INITIAL: State = {
  network: null,
  photograph: null,
  found: null,
  opening: null,
  segmenting: null,
  message: null,
  live: false,
  detail: "quick",
  opacity: 0.6,
  split: 0,
  isolated: null,
  previewed: null,
  pointed: null,
};
