import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { mapAhead } from "@pspnet/core/segment";
import type { Dataset } from "./dataset.js";

/** Files whose size is asked for at once. */
const AHEAD = 32;

/**
 * What tells a split of a dataset from any other, wherever it lies: its samples in their order, how large their files are, its classes and
 * what masks mean. SHA-256, as hexadecimal digits.
 */
export async function datasetIdentity({ source }: Pick<Dataset, "source">): Promise<string> {
  const { pairs, classes, ids, colours } = source;
  const meaning = [classes.names, [...ids], colours ? [...colours.labels] : null, colours?.ofPalettes ?? null];
  const hash = createHash("sha256").update(JSON.stringify(meaning));
  const sizes = mapAhead(pairs, async ({ id, image, mask }) => [id, await bytes(image), await bytes(mask)], {
    ahead: AHEAD,
  });
  for await (const entry of sizes) hash.update(JSON.stringify(entry));
  return hash.digest("hex");
}

async function bytes(file: string | null): Promise<number | null> {
  return file === null ? null : (await stat(file)).size;
}
