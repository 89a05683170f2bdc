import { PspnetError, parseWeights, shown, type Weights } from "@pspnet/core";
import { readRegular } from "../files/readRegular.js";
import { refuseUrl } from "../files/refuseUrl.js";
import type { PullOptions } from "../pull/pull.js";
import { publishedWeights, weightsFile } from "../pull/weightsFile.js";
import { nearestName } from "../pull/zoo.js";

export interface WeightsFile extends Weights {
  /** Whether the bytes were read for this and nobody else has them. */
  readonly owned: boolean;
}

/**
 * The weights of a file that describes itself, or published ones by their name, which are pulled unless they were before.
 *
 * @param file its path, its bytes, or a name that `pspnet models --pull` lists and no file has.
 * @throws PspnetError "usage" for a file that cannot be read, "format" or "weights" for one that does not hold a PSPNet, and
 * "environment" for published ones that cannot be fetched.
 */
export async function readWeights(
  file: string | Uint8Array,
  options: Pick<PullOptions, "offline" | "signal" | "stream"> = {},
): Promise<WeightsFile> {
  const { signal } = options;
  if (file instanceof Uint8Array) return { ...parseWeights(file), owned: false };
  if (typeof file !== "string")
    throw new PspnetError(
      "usage",
      `weights: expected the path or the bytes (Uint8Array) of a file, found ${shown(file)}`,
    );
  refuseUrl(file, "weights");
  if (publishedWeights(file)?.alone) {
    const mend = `train with init=${file}, or take one that \`pspnet models --pull\` lists with a data set`;
    throw new PspnetError("usage", `${file}: expected a PSPNet, found a backbone without a head; ${mend}`);
  }
  const path = await weightsFile(file, options);
  let bytes: Uint8Array;
  try {
    bytes = await readRegular(path, { signal });
  } catch (cause) {
    signal?.throwIfAborted();
    const near = nearestName(file);
    const hint = near ? `; did you mean ${near}?` : "";
    throw new PspnetError("usage", `${file}: expected a readable weights file (${(cause as Error).message})${hint}`, {
      cause,
    });
  }
  return { ...parseWeights(bytes, { source: path }), owned: true };
}
