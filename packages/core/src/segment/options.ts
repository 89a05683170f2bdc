import { shown } from "../config/problem.js";
import { isRecord } from "../config/record.js";
import { PspnetError } from "../error.js";
import { isCrop } from "../image/crop.js";
import { RULES } from "../protocols/protocol.js";
import { PROTOCOLS, type ProtocolChoice } from "../protocols/protocols.js";

export interface SegmentProgress {
  readonly done: number;
  /** Not known for images that come one by one. */
  readonly total?: number;
}

/** How an image is looked at; what is left out is the named protocol's, else as in the paper's single-scale test of the whole image. */
export interface SegmentOptions extends ProtocolChoice {
  /** Ends the work before its next window; the promise is rejected at once with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called after each window of an image, with `segmentAll` after each image. */
  readonly onProgress?: (progress: SegmentProgress) => void;
}

export interface SequenceOptions extends SegmentOptions {
  /**
   * Averages class probabilities over images of one size that follow each other, such as a film's frames, so that labels flicker less:
   * the share, above 0 to 1, of an image's own in the average, of which the rest is the average before; or what gives the share of
   * image `index`. They are averaged as the network gives them, at an eighth of the image's size, in each window, at each scale, of the
   * mirror image apart.
   */
  readonly smooth?: number | ((index: number) => number);
}

interface Check {
  readonly expected: string;
  holds(value: unknown): boolean;
}

const CHECKS: Readonly<Record<keyof SegmentOptions, Check>> = {
  protocol: {
    expected: `one of ${Object.keys(PROTOCOLS).join(", ")}`,
    holds: (value) => typeof value === "string" && Object.hasOwn(PROTOCOLS, value),
  },
  scales: {
    expected: "numbers above 0",
    holds: (value) =>
      Array.isArray(value) && value.length > 0 && value.every((scale) => scale > 0 && Number.isFinite(scale)),
  },
  flip: { expected: "true or false", holds: (value) => typeof value === "boolean" },
  crop: {
    expected: "a whole number above 0, [height, width] or null",
    holds: (value) => value === null || isCrop(value),
  },
  baseSize: {
    expected: "a whole number above 0, [long, short] of such, or null",
    holds: (value) => value === null || isCrop(value),
  },
  rules: {
    expected: `a protocol's rules (${Object.entries(RULES)
      .map(([rule, choices]) => `${rule}: ${choices.join(" | ")}`)
      .join(", ")})`,
    holds: (value) =>
      isRecord(value) && Object.entries(RULES).every(([rule, choices]) => choices.includes(value[rule] as never)),
  },
  signal: {
    expected: "an AbortSignal",
    holds: (value) => isRecord(value) && typeof value.throwIfAborted === "function",
  },
  onProgress: { expected: "a function", holds: (value) => typeof value === "function" },
};

/**
 * Types say so, but JavaScript has none.
 *
 * @param source is named in errors.
 * @throws PspnetError "usage" naming the option, what it may be and what it is.
 */
export function checkSegmentOptions(options: SegmentOptions, source: string): void {
  if (!isRecord(options)) throw new PspnetError("usage", `${source}: expected options, found ${shown(options)}`);
  for (const [key, { expected, holds }] of Object.entries(CHECKS)) {
    const value = options[key as keyof SegmentOptions];
    if (value === undefined || holds(value)) continue;
    throw new PspnetError("usage", `${source}: ${key}: expected ${expected}, found ${shown(value)}`);
  }
}
