import { join } from "node:path";
import { CAMVID } from "@pspnet/core";
import type { DataConfig } from "../config/schema.js";
import { pairFolders } from "./folders.js";
import { type DatasetSource, plainIds } from "./source.js";

/** SegNet's CamVid has 11 classes; this id means none of them. */
const VOID = 11;

/** CamVid as in SegNet's tutorial: images in `train`, masks of the same name in `trainannot`. */
export async function openCamVid({ root }: DataConfig, split: string): Promise<DatasetSource> {
  const pairs = await pairFolders(join(root, split), join(root, `${split}annot`));
  return { pairs, classes: CAMVID, ids: plainIds(CAMVID.names.length, [VOID]) };
}
