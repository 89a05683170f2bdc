import { PspnetError, shown } from "@pspnet/core";
import type { NetworkOptions } from "../segment/openNetwork.js";

export interface ServerLimits {
  /** Requests that are received, wait or are worked on at once; more are refused with 503. */
  readonly queue: number;
  /** Seconds from a request's head to its answer. */
  readonly deadline: number;
  /** Seconds that a request's body may take to arrive. */
  readonly bodySeconds: number;
  /** Bytes of a request's body, and of what a URL gives. */
  readonly maxBody: number;
  /** Of a photograph. */
  readonly maxPixels: number;
  /** Requests a second of one address, over a few seconds; 0: any number. */
  readonly rate: number;
}

export const LIMITS: ServerLimits = {
  queue: 64,
  deadline: 30,
  bodySeconds: 10,
  maxBody: 20_000_000,
  maxPixels: 16_777_216,
  rate: 0,
};

/** A network's name in `?model=`, and its weights: a path, or a name that `load` takes. */
export interface NamedWeights {
  readonly name: string;
  readonly weights: string;
}

/** How photographs are looked at and what on, of every network. */
export type ServedNetworkOptions = Omit<NetworkOptions, "signal" | "onProgress" | "stream">;

/**
 * @param limits those that are not the usual ones.
 * @throws PspnetError "usage" for a limit that is no number, or too small.
 */
export function serverLimits(limits: Partial<ServerLimits>): ServerLimits {
  const all = { ...LIMITS, ...limits };
  for (const key of Object.keys(LIMITS) as (keyof ServerLimits)[]) {
    const whole = key !== "deadline" && key !== "bodySeconds" && key !== "rate";
    const value = all[key];
    if (Number.isFinite(value) && (key === "rate" ? value >= 0 : value > 0) && (!whole || Number.isInteger(value)))
      continue;
    const expected = `${whole ? "a whole number" : "a number"} ${key === "rate" ? "from 0" : "above 0"}`;
    throw new PspnetError("usage", `serve: ${key}: expected ${expected}, found ${shown(value)}`);
  }
  return all;
}
