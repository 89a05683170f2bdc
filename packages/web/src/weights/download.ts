import { PspnetError } from "@pspnet/core";
import { fetched } from "./fetched.js";

export interface DownloadProgress {
  /** Bytes that are here. */
  readonly loaded: number;
  /** Of the whole file, where the server tells. */
  readonly total?: number;
  /** Whether they come from the browser's cache. */
  readonly cached: boolean;
}

export interface DownloadOptions {
  /** Called as bytes come. */
  readonly onDownload?: (progress: DownloadProgress) => void;
  /** Whether weights are kept in the browser's cache, and taken from there. Left out, true. */
  readonly cache?: boolean;
  /** The file's SHA-256 in hexadecimal. With it kept weights are taken without asking the server whether they are still its own. */
  readonly sha256?: string;
}

export interface Downloaded {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What tells the server's file from a later one of the same address; null when the server says nothing. */
  readonly version: string | null;
}

/**
 * The weights at an address.
 *
 * @throws PspnetError "usage" when there are none; the signal's reason.
 */
export async function download(
  address: URL,
  { onDownload, signal }: Pick<DownloadOptions, "onDownload"> & { readonly signal?: AbortSignal },
): Promise<Downloaded> {
  const response = await fetched(address, "weights", { signal });
  if (response.headers.get("content-type")?.startsWith("text/html")) {
    const mend = "check the address: the server answers with a page where it has no such file";
    throw new PspnetError("usage", `${address}: expected weights, found an HTML page; ${mend}`);
  }
  // What a compressed answer says is its length on the way.
  const told = response.headers.has("content-encoding") ? 0 : Number(response.headers.get("content-length"));
  const total = told > 0 ? told : undefined;
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let loaded = 0;
  try {
    for (const reader = response.body!.getReader(); ; ) {
      const { done, value } = await reader.read();
      if (done) break;
      pieces.push(value);
      loaded += value.length;
      onDownload?.({ loaded, total, cached: false });
    }
  } catch (cause) {
    signal?.throwIfAborted();
    const message = `${address}: expected ${total ?? "more"} bytes, found ${loaded} when the connection broke; load it again`;
    throw new PspnetError("usage", message, { cause });
  }
  const bytes = new Uint8Array(await new Blob(pieces).arrayBuffer());
  return { bytes, version: versionOf(response) };
}

/** The version of the file that the server has now; null when it cannot be asked or does not say. */
export async function currentVersion(address: URL, signal?: AbortSignal): Promise<string | null> {
  try {
    return versionOf(await fetch(address, { method: "HEAD", cache: "no-cache", signal }));
  } catch {
    signal?.throwIfAborted();
    return null;
  }
}

function versionOf({ ok, headers }: Response): string | null {
  const parts = ["etag", "last-modified"].map((name) => headers.get(name));
  if (!ok || parts.every((part) => part === null)) return null;
  return JSON.stringify([...parts, headers.get("content-length")]);
}
