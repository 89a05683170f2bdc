import { checkSegmentOptions, PspnetError, type SegmentOptions, shown } from "@pspnet/core";
import { BACKENDS, type BackendOptions } from "./runtime/backend.js";
import { openNetwork } from "./runtime/openNetwork.js";
import { WebNetwork } from "./webNetwork.js";
import type { DownloadOptions } from "./weights/download.js";
import { readWeights, type WeightsSource } from "./weights/readWeights.js";

/**
 * What to run on, how weights are fetched, and what each call takes unless it is told otherwise. A signal ends the loading and every
 * call.
 */
export interface LoadOptions extends Partial<BackendOptions>, DownloadOptions, SegmentOptions {}

/**
 * A network from a weights file that describes itself, ready to segment photographs in a worker: on WebGPU where that passes a test
 * against WebAssembly, else on WebAssembly, with as many threads as the page may have.
 *
 * @param weights address, file or bytes of a safetensors file made by pspnet, or of an ONNX model of any size that `pspnet export --to
 * onnx --output logits8` made. What was fetched is kept in the browser's cache.
 * @throws PspnetError "usage" for what cannot be fetched or read and options that there are not, "format" or "weights" for a file that
 * does not hold a PSPNet, "environment" when there is nothing to run it on; the signal's reason.
 * @example
 * const net = await load("/best.safetensors");
 * const { labels, areas, overlay } = await net.segment(document.querySelector("img"));
 * canvas.getContext("2d").putImageData(toImageData(overlay), 0, 0);
 */
export async function load(weights: WeightsSource, options: LoadOptions = {}): Promise<WebNetwork> {
  checkSegmentOptions(options, "load");
  const { backend = "auto", threads = 0, wasmPaths, cache, sha256, onDownload, ...defaults } = options;
  if (backend !== "auto" && !BACKENDS.includes(backend))
    wrong("backend", `one of auto, ${BACKENDS.join(", ")}`, backend);
  if (!(Number.isSafeInteger(threads) && threads >= 0)) wrong("threads", "a whole number, 0 for one per core", threads);
  const { signal } = defaults;
  signal?.throwIfAborted();
  const file = await readWeights(weights, { cache, sha256, onDownload, signal });
  const { runtime, ...opened } = await openNetwork(file, { backend, threads, wasmPaths, signal });
  return new WebNetwork(runtime, { ...opened, defaults });
}

function wrong(key: string, expected: string, found: unknown): never {
  throw new PspnetError("usage", `load: ${key}: expected ${expected}, found ${shown(found)}`);
}
