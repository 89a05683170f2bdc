import { existsSync } from "node:fs";
import { PspnetError } from "@pspnet/core";
import { beside } from "./beside.js";
import { camvid } from "./camvid.js";
import { folders } from "./folders.js";
import type { DataConfig, DatasetFormat } from "./format.js";
import { listFile } from "./listFile.js";

/** Every format, in the order in which their layouts are looked for. Loads no decoder, so that help may name them. */
const formats: readonly DatasetFormat[] = [listFile, camvid, folders, beside];

/** What `data.format` may be. */
export const formatNames: readonly string[] = ["auto", ...formats.map(({ name }) => name)];

/**
 * The format that the description names, or that the split or the files at its root have.
 *
 * @throws PspnetError "data" saying which layouts are known.
 */
export async function formatOf(description: DataConfig, split: string): Promise<DatasetFormat> {
  const { root, train, format } = description;
  if (!existsSync(root))
    throw new PspnetError("data", `${root}: expected the folder of a dataset, found nothing there`);
  for (const one of formats)
    if (format === "auto" ? await one.detect(description, split) : one.name === format) return one;
  const layouts = formats.map((one) => `${one.layout(train)} (${one.name})`).join(", ");
  throw new PspnetError("data", `${root}: expected ${layouts}; found none of them`);
}
