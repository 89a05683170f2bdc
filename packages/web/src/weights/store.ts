import { PspnetError } from "@pspnet/core";
import { currentVersion, type Downloaded, type DownloadOptions, download } from "./download.js";
import { sha256Of } from "./sha256.js";

/** The browser's cache that holds weights, by their address, one version of each. */
const STORE = "pspnet-weights";

const HASH = "x-pspnet-sha256";
const VERSION = "x-pspnet-version";

export interface StoredOptions extends DownloadOptions {
  readonly signal?: AbortSignal;
}

/**
 * The weights at an address: those that are kept, where the hash is the one that is asked for, or without one where the server has still
 * the same or cannot be reached; else downloaded, and kept if there is room. What is kept is checked against its hash.
 *
 * @throws PspnetError "weights" for a file of another hash than is asked for, "environment" where hashes cannot be computed.
 */
export async function storedDownload(address: URL, options: StoredOptions): Promise<Uint8Array<ArrayBuffer>> {
  const { signal, onDownload, cache = true, sha256 } = options;
  const wanted = sha256?.toLowerCase();
  const store = cache ? await openStore() : null;
  const kept = await store?.match(address);
  if (kept && (await isWanted(kept, address, { wanted, signal }))) {
    const bytes = new Uint8Array(await kept.arrayBuffer());
    // A browser that ran out of room, or of luck, may have kept something else.
    if ((await sha256Of(bytes)) === kept.headers.get(HASH)) {
      onDownload?.({ loaded: bytes.length, total: bytes.length, cached: true });
      return bytes;
    }
  }
  const found = await download(address, { signal, onDownload });
  if (!store && wanted === undefined) return found.bytes;
  const hash = await sha256Of(found.bytes);
  if (wanted !== undefined && hash !== wanted) {
    const mend = "the server has another file, or it was changed on the way";
    throw new PspnetError("weights", `${address}: expected a file of SHA-256 ${wanted}, found ${hash}; ${mend}`);
  }
  await store?.put(address, answerOf(found, hash)).catch(noRoom);
  return found.bytes;
}

/** Removes all weights that were kept. */
export async function clearWeights(): Promise<void> {
  await globalThis.caches?.delete(STORE);
}

/** Null where pages may keep nothing: without a secure context, or when the user forbids it. */
async function openStore(): Promise<Cache | null> {
  try {
    return (await globalThis.caches?.open(STORE)) ?? null;
  } catch {
    return null;
  }
}

async function isWanted(
  { headers }: Response,
  address: URL,
  { wanted, signal }: { readonly wanted?: string; readonly signal?: AbortSignal },
): Promise<boolean> {
  if (wanted !== undefined) return headers.get(HASH) === wanted;
  const version = await currentVersion(address, signal);
  return version === null ? navigator.onLine === false : version === headers.get(VERSION);
}

function answerOf({ bytes, version }: Downloaded, hash: string): Response {
  const headers = { [HASH]: hash, [VERSION]: version ?? "", "content-length": String(bytes.length) };
  return new Response(bytes, { headers });
}

/** Weights that are not kept are downloaded again. */
function noRoom(): void {}
