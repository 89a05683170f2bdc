import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { extname, join } from "node:path";
import { PspnetError } from "@pspnet/core";
import type { DataConfig } from "../config/schema.js";
import { classesOf } from "./classNames.js";
import { type DatasetSource, type Listing, plainIds } from "./source.js";

const IMAGE = /\.(jpe?g|png|webp|avif|tiff?|gif)$/i;
const MASK = /\.png$/i;

/** Images and masks of one name in `split/images` and `split/masks`, or in `images/split` and `masks/split`. */
export async function openFolders(description: DataConfig, split: string): Promise<DatasetSource> {
  const { root } = description;
  const nested = existsSync(join(root, split, "images"));
  const [images, masks] = ["images", "masks"].map((kind) =>
    nested ? join(root, split, kind) : join(root, kind, split),
  );
  const listing = await pairFolders(images, masks);
  const classes = await classesOf(description);
  return { ...listing, classes, ids: plainIds(classes.names.length) };
}

/**
 * The images of a folder with the PNG masks of the same name in another, by name. What has no partner, or several, is a problem.
 *
 * @throws PspnetError "data" for a folder that cannot be read.
 */
export async function pairFolders(images: string, masks: string): Promise<Listing> {
  const [{ files: imageFiles, problems: imageProblems }, { files: maskFiles, problems: maskProblems }] =
    await Promise.all([filesByStem(images, IMAGE), filesByStem(masks, MASK)]);
  const problems = [
    ...imageProblems,
    ...maskProblems,
    ...missing(imageFiles, maskFiles).map((file) => `${join(images, file)} has no mask in ${masks}`),
    ...missing(maskFiles, imageFiles).map((file) => `${join(masks, file)} has no image in ${images}`),
  ];
  const pairs = [...imageFiles]
    .filter(([stem]) => maskFiles.has(stem))
    .map(([stem, file]) => ({ id: file, image: join(images, file), mask: join(masks, maskFiles.get(stem)!) }));
  return { pairs, problems };
}

async function filesByStem(
  folder: string,
  pattern: RegExp,
): Promise<{ readonly files: ReadonlyMap<string, string>; readonly problems: readonly string[] }> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (cause) {
    throw new PspnetError("data", `${folder}: expected a folder of images or masks (${(cause as Error).message})`, {
      cause,
    });
  }
  const files = new Map<string, string>();
  const problems: string[] = [];
  for (const name of names.filter((name) => pattern.test(name) && !name.startsWith(".")).sort()) {
    const stem = name.slice(0, -extname(name).length);
    const other = files.get(stem);
    if (other !== undefined) {
      problems.push(`${folder}: expected one file of the name "${stem}", found ${other} and ${name}; remove one`);
    } else files.set(stem, name);
  }
  return { files, problems };
}

function missing(from: ReadonlyMap<string, string>, within: ReadonlyMap<string, string>): string[] {
  return [...from].filter(([stem]) => !within.has(stem)).map(([, file]) => file);
}
