import { existsSync } from "node:fs";
import { join } from "node:path";
import { PspnetError } from "@pspnet/core";
import type { DataConfig } from "../config/schema.js";
import { openCamVid } from "./camvid.js";
import { openFolders } from "./folders.js";
import { openList } from "./listFile.js";
import type { DatasetSource } from "./source.js";

type Format = Exclude<DataConfig["format"], "auto">;

/** How each format pairs images with masks and gives ids their meaning. */
export const formats: Readonly<Record<Format, (description: DataConfig, split: string) => Promise<DatasetSource>>> = {
  camvid: openCamVid,
  folders: openFolders,
  list: openList,
};

/**
 * The format that the files at `root` have.
 *
 * @throws PspnetError "data" saying which layouts are known.
 */
export function detectFormat({ root, train, val }: DataConfig): Format {
  const has = (...path: string[]) => existsSync(join(root, ...path));
  if (!existsSync(root))
    throw new PspnetError("data", `${root}: expected the folder of a dataset, found nothing there`);
  if ([train, val].some((split) => /\.(txt|lst)$/.test(split))) return "list";
  if ([train, val].some((split) => has(split, "images") || has("images", split))) return "folders";
  if ([train, val].some((split) => has(`${split}annot`))) return "camvid";
  throw new PspnetError(
    "data",
    `${root}: expected ${train}/images and ${train}/masks, images/${train} and masks/${train}, ${train} and ${train}annot (CamVid), or a list file as data.train; found none of them`,
  );
}
