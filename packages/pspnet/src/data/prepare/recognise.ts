import { join } from "node:path";
import type { DataConfig } from "../format.js";
import { formatOf } from "../formats.js";
import { spread } from "../spread.js";
import { coco } from "./coco.js";
import { cvat } from "./cvat.js";
import { isObject, readJson } from "./exported.js";
import { filesBelow } from "./findFiles.js";
import { folder as ownFolder } from "./folder.js";
import { labelme } from "./labelme.js";
import type { Preparation } from "./preparation.js";
import { PREPARATIONS } from "./preparations.js";
import { findYaml, ultralytics } from "./ultralytics.js";

/** Files that are looked into. */
const LOOKED_AT = 8;

/**
 * What turns a folder into what training reads: a published dataset, else masks that are there, else the annotations of a program; null:
 * nothing.
 */
export async function recognise(folder: string): Promise<Preparation | null> {
  for (const preparation of PREPARATIONS) if (await isMarked(folder, preparation)) return preparation;
  const description: DataConfig = { root: folder, format: "auto", train: "train", val: "val" };
  const listing = await formatOf(description, "train")
    .then((format) => format.open(description, "train"))
    .catch(() => null);
  if (listing?.pairs.some(({ mask }) => mask !== null)) return ownFolder;
  for (const file of spread(await filesBelow(folder, "**/*.json"), LOOKED_AT)) {
    const json = await readJson(join(folder, file)).catch(() => null);
    if (!isObject(json)) continue;
    if (Array.isArray(json.shapes)) return labelme;
    if ([json.images, json.annotations, json.categories].every(Array.isArray)) return coco;
  }
  if ((await filesBelow(folder, "**/annotations.xml")).length > 0) return cvat;
  return (await findYaml(folder).catch(() => null)) ? ultralytics : null;
}

async function isMarked(folder: string, { marks = [] }: Preparation): Promise<boolean> {
  for (const mark of marks) if ((await filesBelow(folder, mark)).length === 0) return false;
  return marks.length > 0;
}
