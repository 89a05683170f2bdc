import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ClassList, Rgb } from "@pspnet/core";
import { CLASSES_FILE, classesOf } from "../classNames.js";
import type { DataConfig, DatasetFormat, Listing } from "../format.js";
import { formatOf } from "../formats.js";
import { heldOutShare, holdOut } from "../split.js";
import type { Preparation, Prepared } from "./preparation.js";

type Meaning = Pick<Prepared, "classes" | "ids" | "ignore">;

/** Anybody's photographs and masks, in any layout that is known: a split that is written down, and the classes that the masks show. */
export const folder: Preparation = {
  name: "folder",
  title: "photographs and masks of one's own",
  layout: "train/images and train/masks, images and masks, x.jpg beside x_mask.png, ... (docs/data.md)",
  async read({ folder: root, seed, said }) {
    const description: DataConfig = { format: "auto", train: "train", val: "val", ...said, root };
    const share = heldOutShare(description.val);
    const format = await formatOf(description, description.train);
    const all = await format.open(description, description.train);
    const val = all.undivided || share !== null ? null : await validationOf(description, format);
    const held = val ? null : holdOut(all.pairs, ({ id }) => id, { seed, share: share ?? undefined });
    const splits = { train: held?.train ?? all.pairs, val: held?.val ?? val?.pairs ?? [] };
    const masks = Object.values(splits).flatMap((pairs) => pairs.flatMap(({ mask }) => mask ?? []));
    const { note, ...meaning } = await meaningOf(description, masks, all);
    return {
      ...meaning,
      splits,
      problems: [...all.problems, ...(val?.problems ?? [])],
      notes: [
        note,
        held
          ? `${held.val.length} of ${all.pairs.length} samples held out to validate on, seed ${seed}`
          : "splits as they are there",
      ],
    };
  },
};

/** The validation split; null where there is none, or one of images without masks. */
async function validationOf(description: DataConfig, format: DatasetFormat): Promise<Listing | null> {
  const isThere = await format.detect({ ...description, train: description.val }, description.val);
  const listing = isThere ? await format.open(description, description.val) : null;
  return listing?.pairs.some(({ mask }) => mask !== null) ? listing : null;
}

/** The classes that are said, that a file at the root or the format names, else those that the masks show. */
async function meaningOf(
  { root, classes: said, ids, ignore: saidIgnored }: DataConfig,
  masks: readonly string[],
  { classes, ignore }: Listing,
): Promise<Meaning & { readonly note: string }> {
  if (said !== undefined || existsSync(join(root, CLASSES_FILE))) {
    const named = await classesOf({ root, classes: said });
    return {
      classes: named.classes,
      note: `the classes are those of ${said === undefined ? CLASSES_FILE : "data.classes"}`,
    };
  }
  for (const { file, line } of COLOUR_FILES) {
    const text = await readFile(join(root, file), "utf8").catch(() => null);
    const found = text === null ? null : namedColours(text, line);
    if (found) return { classes: found, note: `the classes are those of ${file}` };
  }
  if (classes) return { classes, ignore, note: "the classes are those of the format" };
  const { inferClasses } = await import("../inferClasses.js");
  return inferClasses(masks, { ids, ignore: saidIgnored });
}

/** Files of names and colours beside masks of colours, and what a line of theirs is: name, red, green, blue. */
const COLOUR_FILES = [
  { file: "labelmap.txt", line: /^([^#:][^:]*):(\d+),(\d+),(\d+):/ },
  { file: "class_dict.csv", line: /^([^,]+),\s*(\d+),\s*(\d+),\s*(\d+)/ },
];

function namedColours(text: string, line: RegExp): ClassList | null {
  const found = text.split(/\r?\n/).flatMap((one) => {
    const match = line.exec(one);
    return match ? [{ name: match[1].trim(), colour: match.slice(2, 5).map(Number) as unknown as Rgb }] : [];
  });
  return found.length >= 2
    ? { names: found.map(({ name }) => name), palette: found.map(({ colour }) => colour) }
    : null;
}
