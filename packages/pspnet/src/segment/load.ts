import {
  checkSegmentOptions,
  Network,
  PRECISION_DTYPE,
  PspnetError,
  type RgbImage,
  RUNTIMES,
  type SegmentOptions,
  shown,
} from "@pspnet/core";
import { readImage } from "../data/images.js";
import { refuseUrl } from "../files/refuseUrl.js";
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

/**
 * A network from a weights file that describes itself, ready to segment photographs: on libtorch where its addon is built,
 * else on onnxruntime-node, with the same labels.
 *
 * @param weights path or bytes of a safetensors file made by pspnet, or a name that `pspnet models --pull` lists.
 * @throws PspnetError "usage" for a file that cannot be read and options that there are not, "format" or "weights" for a file that does
 * not hold a PSPNet, "environment" when there is nothing to run it on, or published weights cannot be
 * fetched.
 * @example
 * const net = await load("best.safetensors"); // `await using` in TypeScript, without what follows
 * try {
 *   const { labels, areas } = await net.segment("photo.jpg");
 * } finally {
 *   await net.dispose();
 * }
 */
export async function load(weights: string | Uint8Array, options: NetworkOptions = {}): Promise<Network> {
  checkSegmentOptions(options, "load");
  const { runtime = "auto", device = "auto", precision = "auto", threads = 0, offline, stream, ...defaults } = options;
  checkChoice("runtime", runtime, RUNTIMES);
  checkChoice("device", device, ["cpu", "cuda"]);
  checkChoice("precision", precision, Object.keys(PRECISION_DTYPE));
  if (!(Number.isSafeInteger(threads) && threads >= 0)) wrong("threads", "a whole number, 0 for one per core", threads);
  const { signal } = defaults;
  signal?.throwIfAborted();
  const file = await readWeights(weights, { signal, offline, stream });
  const opened = await openRuntime(file, { runtime, device, precision, threads });
  if (signal?.aborted) await opened[Symbol.asyncDispose]();
  signal?.throwIfAborted();
  return new Network(opened, { description: file.description, defaults, decode });
}

function checkChoice(key: string, found: string, choices: readonly string[]): void {
  if (found !== "auto" && !choices.includes(found)) wrong(key, `one of auto, ${choices.join(", ")}`, found);
}

function wrong(key: string, expected: string, found: unknown): never {
  throw new PspnetError("usage", `load: ${key}: expected ${expected}, found ${shown(found)}`);
}

/** A photograph: JPEG, PNG, WebP, AVIF, TIFF or GIF, turned upright as its EXIF says. */
async function decode(photograph: string | Uint8Array): Promise<RgbImage> {
  if (typeof photograph === "string") refuseUrl(photograph, "a photograph");
  return readImage(photograph, { orient: true });
}
