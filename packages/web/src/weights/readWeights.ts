import { PspnetError, shown } from "@pspnet/core";
import { type StoredOptions, storedDownload } from "./store.js";

/** Address, file or bytes of weights. */
export type WeightsSource = string | URL | Blob | Uint8Array | ArrayBuffer;

export interface WeightsFile {
  /** What messages call it. */
  readonly source: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The bytes of weights; the caller's own are copied. */
export async function readWeights(weights: WeightsSource, options: StoredOptions): Promise<WeightsFile> {
  if (typeof weights === "string" || weights instanceof URL) {
    const address = new URL(weights, globalThis.location?.href);
    address.hash = "";
    return { source: String(weights), bytes: await storedDownload(address, options) };
  }
  if (weights instanceof Blob) {
    const source = weights instanceof File ? weights.name : "weights";
    return { source, bytes: new Uint8Array(await weights.arrayBuffer()) };
  }
  if (weights instanceof ArrayBuffer) return { source: "weights", bytes: new Uint8Array(weights.slice(0)) };
  if (weights instanceof Uint8Array) return { source: "weights", bytes: Uint8Array.from(weights) };
  const expected = "expected the address, the file (Blob) or the bytes (Uint8Array, ArrayBuffer) of weights";
  throw new PspnetError("usage", `weights: ${expected}, found ${shown(weights)}`);
}
