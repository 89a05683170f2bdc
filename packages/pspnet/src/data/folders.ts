import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { extname, join } from "node:path";
import { PspnetError } from "@pspnet/core";
import type { DataConfig } from "../config/schema.js";
import { classesOf } from "./classNames.js";
import { type DatasetSource, type Pair, plainIds } from "./source.js";

const IMAGE = /\.(jpe?g|png|webp|avif|tiff?|gif)$/i;
const MASK = /\.png$/i;
const NAMED = 5;

/** Images and masks of one name in `split/images` and `split/masks`, or in `images/split` and `masks/split`. */
export async function openFolders(description: DataConfig, split: string): Promise<DatasetSource> {
  const { root } = description;
  const nested = existsSync(join(root, split, "images"));
  const [images, masks] = ["images", "masks"].map((kind) =>
    nested ? join(root, split, kind) : join(root, kind, split),
  );
  const pairs = await pairFolders(images, masks);
  const classes = await classesOf(description);
  return { pairs, classes, ids: plainIds(classes.names.length) };
}

/**
 * The images of a folder with the PNG masks of the same name in another, by name.
 *
 * @throws PspnetError "data" listing what has no partner.
 */
export async function pairFolders(images: string, masks: string): Promise<Pair[]> {
  const imageFiles = await filesByStem(images, IMAGE);
  const maskFiles = await filesByStem(masks, MASK);
  const alone = [
    ...missing(imageFiles, maskFiles).map((file) => `${join(images, file)} has no mask in ${masks}`),
    ...missing(maskFiles, imageFiles).map((file) => `${join(masks, file)} has no image in ${images}`),
  ];
  if (alone.length > 0) {
    const more = alone.length > NAMED ? [`and ${alone.length - NAMED} more`] : [];
    throw new PspnetError(
      "data",
      `expected an image and a mask of each name:\n${[...alone.slice(0, NAMED), ...more].join("\n")}`,
    );
  }
  return [...imageFiles].map(([stem, file]) => ({
    id: file,
    image: join(images, file),
    mask: join(masks, maskFiles.get(stem)!),
  }));
}

async function filesByStem(folder: string, pattern: RegExp): Promise<Map<string, string>> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (cause) {
    throw new PspnetError("data", `${folder}: expected a folder of images or masks (${(cause as Error).message})`, {
      cause,
    });
  }
  const files = new Map<string, string>();
  for (const name of names.filter((name) => pattern.test(name) && !name.startsWith(".")).sort()) {
    const stem = name.slice(0, -extname(name).length);
    const other = files.get(stem);
    if (other !== undefined) {
      const found = `found ${other} and ${name}`;
      throw new PspnetError("data", `${folder}: expected one file of the name "${stem}", ${found}; remove one`);
    }
    files.set(stem, name);
  }
  return files;
}

function missing(from: ReadonlyMap<string, string>, within: ReadonlyMap<string, string>): string[] {
  return [...from].filter(([stem]) => !within.has(stem)).map(([, file]) => file);
}
