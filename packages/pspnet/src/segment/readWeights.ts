import { readFile } from "node:fs/promises";
import { PspnetError, parseWeights, shown, type Weights } from "@pspnet/core";
import { refuseUrl } from "../files/refuseUrl.js";

export interface WeightsFile extends Weights {
  /** Whether the bytes were read for this and nobody else has them. */
  readonly owned: boolean;
}

/**
 * The weights of a file that describes itself.
 *
 * @param file its path, or its bytes.
 * @throws PspnetError "usage" for a file that cannot be read, "format" or "weights" for one that does not hold a PSPNet.
 */
export async function readWeights(
  file: string | Uint8Array,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<WeightsFile> {
  if (file instanceof Uint8Array) return { ...parseWeights(file), owned: false };
  if (typeof file !== "string")
    throw new PspnetError(
      "usage",
      `weights: expected the path or the bytes (Uint8Array) of a file, found ${shown(file)}`,
    );
  refuseUrl(file, "weights");
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file, { signal });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new PspnetError("usage", `${file}: expected a readable weights file (${(cause as Error).message})`, {
      cause,
    });
  }
  return { ...parseWeights(bytes, { source: file }), owned: true };
}
