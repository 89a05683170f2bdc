import {
  checkSegmentOptions,
  type ModelDescription,
  PRECISION_DTYPE,
  PspnetError,
  RUNTIMES,
  type Runtime,
  type SegmentOptions,
  shown,
} from "@pspnet/core";
import type { PullOptions } from "../pull/pull.js";
import { openRuntime, type RuntimeOptions } from "./openRuntime.js";
import { readWeights } from "./readWeights.js";

/**
 * What to run on, and what each call takes unless it is told otherwise; of published weights that are pulled, where progress goes.
 * A signal ends the loading and every call.
 */
export interface NetworkOptions
  extends Partial<RuntimeOptions>,
    SegmentOptions,
    Pick<PullOptions, "offline" | "stream"> {}

export interface OpenedNetwork {
  readonly runtime: Runtime;
  readonly description: ModelDescription;
  /** What remains of the options: how images are looked at. */
  readonly defaults: SegmentOptions;
}

/** The network of a weights file, on what runs it; throws as `load` does. */
export async function openNetwork(weights: string | Uint8Array, options: NetworkOptions): Promise<OpenedNetwork> {
  checkSegmentOptions(options, "load");
  const { runtime = "auto", device = "auto", precision = "auto", threads = 0, ...others } = options;
  const { reproducible = false, offline, stream, ...defaults } = others;
  checkChoice("runtime", runtime, RUNTIMES);
  if (!/^cuda:\d+$/.test(device)) checkChoice("device", device, ["cpu", "cuda"]);
  checkChoice("precision", precision, [...Object.keys(PRECISION_DTYPE), "int8"]);
  if (!(Number.isSafeInteger(threads) && threads >= 0)) wrong("threads", "a whole number, 0 for one per core", threads);
  if (typeof reproducible !== "boolean") wrong("reproducible", "true or false", reproducible);
  const { signal } = defaults;
  signal?.throwIfAborted();
  const file = await readWeights(weights, { signal, offline, stream });
  const opened = await openRuntime(file, { runtime, device, precision, threads, reproducible });
  if (signal?.aborted) await opened[Symbol.asyncDispose]();
  signal?.throwIfAborted();
  return { runtime: opened, description: file.description, defaults };
}

function checkChoice(key: string, found: string, choices: readonly string[]): void {
  if (found !== "auto" && !choices.includes(found)) wrong(key, `one of auto, ${choices.join(", ")}`, found);
}

function wrong(key: string, expected: string, found: unknown): never {
  throw new PspnetError("usage", `load: ${key}: expected ${expected}, found ${shown(found)}`);
}
