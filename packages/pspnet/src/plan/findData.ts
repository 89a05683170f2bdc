import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { PspnetError } from "@pspnet/core";
import { loadDataConfig } from "../config/load.js";
import type { DataConfig } from "../data/format.js";
import { filesBelow } from "../data/prepare/findFiles.js";
import { folder as ownFolder } from "../data/prepare/folder.js";
import { prepare } from "../data/prepare/prepare.js";
import type { Work } from "../data/prepare/preparedFolder.js";
import { recognise } from "../data/prepare/recognise.js";
import { IMAGE_EXTENSIONS } from "../files/imageFile.js";
import { counted } from "../report/counted.js";

export interface FindDataOptions extends Work {
  /** Where lists of the splits go, and masks that must be made. */
  readonly out: string;
  /** Of the split, where the folder has none. */
  readonly seed: number;
  /** What is said of the data. */
  readonly said: Partial<DataConfig>;
}

export interface FoundData {
  readonly data: DataConfig;
  /** What was found, a line each. */
  readonly notes: readonly string[];
  /** What is wrong and was left out, a line each. */
  readonly problems: readonly string[];
}

/**
 * Makes of somebody's folder what training reads: its splits are written down, and the annotations of an export become masks.
 *
 * @throws PspnetError "data" where nothing is recognised, or too little is there.
 */
export async function findData(given: string, { out, seed, said, ...work }: FindDataOptions): Promise<FoundData> {
  const folder = resolve(given);
  const preparation = saysSplits(said) ? ownFolder : await recognise(folder);
  if (preparation === null) throw await nothingFound(folder);
  const made = await prepare(preparation, { folder, out, seed, said, ...work });
  const { train = 0, val = 0 } = made.samples;
  if (train === 0 || val === 0) {
    const expected = "expected 2 photographs with masks at least, one to train on and one to validate on";
    const lines = [`${folder}: ${expected}, found ${train + val}`, ...made.problems.slice(0, 5)];
    throw new PspnetError("data", lines.join("\n"));
  }
  const masks = join(out, "masks");
  const is =
    preparation === ownFolder ? [] : [`${preparation.title}${existsSync(masks) ? `: masks made in ${masks}` : ""}`];
  const { data } = await loadDataConfig(made.config, {});
  return { data, notes: [...is, ...made.notes], problems: made.problems };
}

const saysSplits = (said: Partial<DataConfig>) => ["format", "train", "val"].some((key) => key in said);

async function nothingFound(folder: string): Promise<PspnetError> {
  const images = await filesBelow(folder, `**/*.{${IMAGE_EXTENSIONS.join(",")}}`);
  const found =
    images.length === 0
      ? "no image in it"
      : `${counted(images.length, "image")} such as ${images[0]}, and no masks for them`;
  const layouts = "images/x.jpg and masks/x.png, x.jpg beside x.png or x_mask.png, with or without train and val";
  return new PspnetError(
    "data",
    `${folder}: expected photographs and a PNG mask for each (${layouts}), or what Labelme, CVAT or COCO's JSON says of them; found ${found}`,
  );
}
