import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { PspnetError } from "@pspnet/core";
import { isImageFile } from "../files/imageFile.js";
import type { DatasetFormat, Listing } from "./format.js";
import { pairFiles, unpaired } from "./pairFiles.js";

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
  const imageSet = { folder: images, files: await filesIn(images, isImageFile) };
  if (!existsSync(masks)) return unpaired(imageSet);
  return pairFiles(imageSet, { folder: masks, files: await filesIn(masks, isMaskFile) });
}

/** The names of a folder's files of a kind, sorted; hidden ones are none. */
async function filesIn(folder: string, wanted: (name: string) => boolean): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => wanted(name) && !name.startsWith(".")).sort();
  } catch (cause) {
    throw new PspnetError("data", `${folder}: expected a folder of images or masks (${(cause as Error).message})`, {
      cause,
    });
  }
}
