import type { ClassListName } from "../image/classLists.js";
import type { Crop } from "../image/crop.js";
import type { ByteResize } from "../image/resizeBytes.js";

/** How images are looked at, in validation and in prediction alike: data, which the planner of windows and both runtimes read. */
export interface Protocol {
  /** The published one that it is, whatever is said of scales, flip, windows and base size. */
  readonly name: string | null;
  /** Probabilities are averaged over the image at these sizes. */
  readonly scales: readonly number[];
  /** Whether each window is also looked at mirrored. */
  readonly flip: boolean;
  /** A sliding window; null: the whole image at once. */
  readonly crop: Crop | null;
  /**
   * What the image is resized to at scale 1: its long side, or the sides `[long, short]` that it is to fit into; null: its own size. One
   * number is the short side where `rules.sizes` is "short".
   */
  readonly baseSize: BaseSize | null;
  readonly rules: ProtocolRules;
}

/** A long side, or the two sides. */
export type BaseSize = number | readonly [long: number, short: number];

/** What implementations do differently with the same scales, flips and windows. */
export interface ProtocolRules {
  /**
   * - `long`: the long side is round(scale * base).
   * - `long+1`: it is one more.
   * - `fit`: as large as fits into the base times scale.
   * - `short`: the short side is scale * base, unless the long one then were longer than its base, which is not scaled; both are rounded up
   *   to where the network's features align.
   */
  readonly sizes: "long" | "long+1" | "fit" | "short";
  /** How the photograph is resized: `float` as `cv2.resize` with `INTER_LINEAR` of floats, else in bytes. */
  readonly photograph: "float" | ByteResize;
  /** Where there is padding when the image is smaller than a window: all around, or to its right and below; or none, for a smaller window. */
  readonly padding: "around" | "after" | "none";
  /** Windows step by two thirds of their side, rounded up or to the nearest. */
  readonly stride: "up" | "nearest";
  /**
   * When logits become probabilities:
   *
   * - `view`: at once: those of a window and of its mirror image are averaged, and those of windows.
   * - `window`: when the logits of a window and of its mirror image are summed; then windows are averaged.
   * - `image`: when the logits of windows are averaged and resized to the image; then mirror images are averaged.
   *
   * Scales are averaged last, as probabilities.
   */
  readonly softmax: "view" | "window" | "image";
  /**
   * How what is averaged over windows is resized to the image: bilinearly as `cv2.resize`; as MATLAB's `imresize`, smoothed when shrinking;
   * as the network enlarges its logits; or in `one` step with that, for whole images alone.
   */
  readonly image: "opencv" | "matlab" | "network" | "one";
  /** Over which classes scores are averaged: all, one that is nowhere counting 0, or those that labels or predictions have. */
  readonly mean: "all" | "present";
}

/** What each rule may be. */
export const RULES: { readonly [K in keyof ProtocolRules]: readonly ProtocolRules[K][] } = {
  sizes: ["long", "long+1", "fit", "short"],
  photograph: ["float", "opencv", "pillow", "matlab"],
  padding: ["around", "after", "none"],
  stride: ["up", "nearest"],
  softmax: ["view", "window", "image"],
  image: ["opencv", "matlab", "network", "one"],
  mean: ["all", "present"],
};

/** A published way of evaluating. */
export interface ProtocolPreset extends Pick<Protocol, "scales" | "flip" | "rules"> {
  /** Windows of the size that the network was trained with, or whole images. */
  readonly windows: boolean;
  /** For networks of these lists of classes, and of others; where nothing stands images keep their own size. */
  readonly baseSizes: { readonly [list in ClassListName | "other"]?: BaseSize };
}
