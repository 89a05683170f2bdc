import { Network, PRECISION_DTYPE, PspnetError, type RgbImage, RUNTIMES, type SegmentOptions } from "@pspnet/core";
import { readImage } from "../data/images.js";
import { openRuntime, type RuntimeOptions } from "./openRuntime.js";
import { readWeights } from "./readWeights.js";

/** What to run on, and what each call takes unless it is told otherwise. A signal ends the loading and every call. */
export interface NetworkOptions extends Partial<RuntimeOptions>, SegmentOptions {}

/**
 * A network from a weights file that describes itself, ready to segment photographs: on libtorch where its addon is built,
 * else on onnxruntime-node, with the same labels.
 *
 * @param weights path or bytes of a safetensors file made by pspnet.
 * @throws PspnetError "usage" for a file that cannot be read and options that there are not, "format" or "weights" for a file that does
 * not hold a PSPNet, "environment" when there is nothing to run it on.
 * @example
 * const net = await load("best.safetensors"); // `await using` in TypeScript, without what follows
 * try {
 *   const { labels, areas } = await net.segment("photo.jpg");
 * } finally {
 *   await net.dispose();
 * }
 */
export async function load(
  weights: string | Uint8Array,
  { runtime = "auto", device = "auto", precision = "auto", threads = 0, ...defaults }: NetworkOptions = {},
): Promise<Network> {
  checkChoice("runtime", runtime, RUNTIMES);
  checkChoice("device", device, ["cpu", "cuda"]);
  checkChoice("precision", precision, Object.keys(PRECISION_DTYPE));
  const { signal } = defaults;
  signal?.throwIfAborted();
  const file = await readWeights(weights, { signal });
  const opened = await openRuntime(file, { runtime, device, precision, threads });
  if (signal?.aborted) await opened[Symbol.asyncDispose]();
  signal?.throwIfAborted();
  return new Network(opened, { description: file.description, defaults, decode });
}

/** Types say so, but JavaScript has none. */
function checkChoice(key: string, found: string, choices: readonly string[]): void {
  if (found === "auto" || choices.includes(found)) return;
  const expected = `expected one of auto, ${choices.join(", ")}`;
  throw new PspnetError("usage", `load: ${key}: ${expected}, found ${JSON.stringify(found)}`);
}

/** A photograph: JPEG, PNG, WebP, AVIF, TIFF or GIF, turned upright as its EXIF says. */
function decode(photograph: string | Uint8Array): Promise<RgbImage> {
  return readImage(photograph, { orient: true });
}
