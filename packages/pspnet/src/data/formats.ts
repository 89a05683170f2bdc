import { existsSync } from "node:fs";
import { PspnetError } from "@pspnet/core";
import { camvid } from "./camvid.js";
import { folders } from "./folders.js";
import type { DataConfig, DatasetFormat } from "./format.js";
import { listFile } from "./listFile.js";

/** Every format, in the order in which their layouts are looked for. Loads no decoder, so that help may name them. */
const formats: readonly DatasetFormat[] = [listFile, folders, camvid];

/** What `data.format` may be. */
export const formatNames: readonly string[] = ["auto", ...formats.map(({ name }) => name)];

/**
 * The format that the description names, or that the split or the files at its root have.
 *
 * @throws PspnetError "data" saying which layouts are known.
 */
export function formatOf(description: DataConfig, split: string): DatasetFormat {
  const { root, train, format } = description;
  if (!existsSync(root))
    throw new PspnetError("data", `${root}: expected the folder of a dataset, found nothing there`);
  const found = formats.find((one) => (format === "auto" ? one.detect(description, split) : one.name === format));
  if (found) return found;
  const layouts = formats.map((one) => `${one.layout(train)} (${one.name})`).join(", ");
  throw new PspnetError("data", `${root}: expected ${layouts}; found none of them`);
}
