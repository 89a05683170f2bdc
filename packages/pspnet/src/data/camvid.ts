import { join } from "node:path";
import { CAMVID } from "@pspnet/core";
import type { DataConfig } from "../config/schema.js";
import { classesOf } from "./classNames.js";
import { pairFolders } from "./folders.js";
import { type DatasetSource, plainIds } from "./source.js";

/** SegNet's CamVid has 11 classes; this id means none of them. */
const VOID = 11;

/** CamVid as in SegNet's tutorial: images in `train`, masks of the same name in `trainannot`. Its classes unless others are named. */
export async function openCamVid(description: DataConfig, split: string): Promise<DatasetSource> {
  const { root } = description;
  const listing = await pairFolders(join(root, split), join(root, `${split}annot`));
  const classes = description.classes === undefined ? CAMVID : await classesOf(description);
  const count = classes.names.length;
  return { ...listing, classes, ids: plainIds(count, count <= VOID ? [VOID] : []) };
}
