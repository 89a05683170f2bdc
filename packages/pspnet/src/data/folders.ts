import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { extname, join } from "node:path";
import { PspnetError } from "@pspnet/core";
import { isImageFile } from "../files/imageFile.js";
import type { DatasetFormat, Listing } from "./format.js";

const isMaskFile = (name: string) => /\.png$/i.test(name);

/** Images and masks of one name in `split/images` and `split/masks`, or in `images/split` and `masks/split`. */
export const folders: DatasetFormat = {
  name: "folders",
  layout: (split) => `${split}/images and ${split}/masks, or images/${split} and masks/${split}`,
  detect: ({ root, train, val }) =>
    [train, val].some((split) => existsSync(join(root, split, "images")) || existsSync(join(root, "images", split))),
  open: ({ root }, split) => {
    const nested = existsSync(join(root, split, "images"));
    const place = (kind: string) => (nested ? join(root, split, kind) : join(root, kind, split));
    return pairFolders(place("images"), place("masks"));
  },
};

/**
 * The images of a folder with the PNG masks of the same name in another, by name. What has no partner, or several, is a problem;
 * where there is no folder of masks at all, the images have none.
 *
 * @throws PspnetError "data" for a folder that cannot be read.
 */
export async function pairFolders(images: string, masks: string): Promise<Listing> {
  const { files: imageFiles, problems } = await filesByStem(images, isImageFile);
  const pair = (file: string, mask: string | null) => ({ id: file, image: join(images, file), mask });
  if (!existsSync(masks)) return { pairs: [...imageFiles.values()].map((file) => pair(file, null)), problems };
  const { files: maskFiles, problems: maskProblems } = await filesByStem(masks, isMaskFile);
  return {
    pairs: [...imageFiles]
      .filter(([stem]) => maskFiles.has(stem))
      .map(([stem, file]) => pair(file, join(masks, maskFiles.get(stem)!))),
    problems: [
      ...problems,
      ...maskProblems,
      ...missing(imageFiles, maskFiles).map((file) => `${join(images, file)} has no mask in ${masks}`),
      ...missing(maskFiles, imageFiles).map((file) => `${join(masks, file)} has no image in ${images}`),
    ],
  };
}

async function filesByStem(
  folder: string,
  wanted: (name: string) => boolean,
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
  for (const name of names.filter((name) => wanted(name) && !name.startsWith(".")).sort()) {
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
