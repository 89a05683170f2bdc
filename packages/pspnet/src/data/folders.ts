import { existsSync, readdirSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { PspnetError } from "@pspnet/core";
import { isImageFile } from "../files/imageFile.js";
import type { DatasetFormat, Listing } from "./format.js";
import { FOLDER_NAMES, type FolderNames, LAYOUTS, MASK_SUFFIXES, splitNames } from "./layouts.js";
import { pairFiles, unpaired, withoutExtension } from "./pairFiles.js";

/**
 * A folder of images and one of masks, the splits above or below them, or none: then some samples are held out. A mask is a PNG with
 * the name of its image, or with a word such as `_mask` after it. Folders of other names are told apart by what they hold.
 */
export const folders: DatasetFormat = {
  name: "folders",
  layout: (split) => `${split}/images and ${split}/masks, or images/${split} and masks/${split}`,
  detect: async ({ root, train, val }) => {
    for (const split of [train, val]) if (await find(root, split)) return true;
    return false;
  },
  open: async ({ root }, split) => {
    const { images, masks, undivided } = (await find(root, split)) ?? noSplit(root, split);
    return { ...(await pairFolders(images, masks)), undivided };
  },
};

/** @throws PspnetError "data". */
export function noSplit(root: string, split: string): never {
  const mend = "data.train and data.val name the splits; data.val=20% holds some of the training split out";
  throw new PspnetError("data", `${root}: expected a folder of images for the split "${split}", found none; ${mend}`);
}

interface FolderPair {
  readonly images: string;
  /** One that is not there: the images have no masks. */
  readonly masks: string;
  /** Whether they are all of a dataset that has no splits. */
  readonly undivided: boolean;
}

async function find(root: string, split: string): Promise<FolderPair | null> {
  const named = findNamed(root, split, FOLDER_NAMES);
  if (named && existsSync(named.masks)) return named;
  const { namesByContent } = await import("./namesByContent.js");
  const names = await namesByContent([root, ...splitNames(split).map((name) => join(root, name))], splitNames(split));
  return (names && findNamed(root, split, names)) ?? named;
}

/** The first place with images and masks, else the first with images. */
function findNamed(root: string, split: string, names: FolderNames): FolderPair | null {
  let alone: FolderPair | null = null;
  for (const layout of LAYOUTS) {
    const undivided = !layout.images.includes("{split}");
    for (const name of undivided ? [""] : splitNames(split)) {
      const paths = (kind: keyof FolderNames) =>
        names[kind].map((one) => join(root, layout[kind].replace("{split}", name).replace(`{${kind}}`, one)));
      const images = paths("images").find((path) => isFolder(path) && (!undivided || holdsImages(path)));
      if (images === undefined) continue;
      const masks = paths("masks").find(isFolder);
      if (masks !== undefined) return { images, masks, undivided };
      if (layout.images.includes("{images}")) alone ??= { images, masks: paths("masks")[0], undivided };
    }
  }
  return alone;
}

export const isMaskFile = (name: string) => /\.png$/i.test(name);
const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
const holdsImages = (path: string) => readdirSync(path).some(isImageFile);

/**
 * The images of a folder with the PNG masks of the same name in another, by name. What has no partner, or several, is a problem;
 * where there is no folder of masks at all, the images have none.
 *
 * @throws PspnetError "data" for a folder that cannot be read.
 */
export async function pairFolders(images: string, masks: string): Promise<Listing> {
  const files = await imagesIn(images);
  if (!existsSync(masks)) return unpaired({ folder: images, files });
  const there = await imagesIn(masks);
  const pngs = there.filter(isMaskFile);
  const { pairs, problems } = pairFiles({ folder: images, files }, { folder: masks, files: pngs, key: maskKey(files) });
  const other = there.find((name) => !isMaskFile(name));
  const mend = "save masks as PNG, without loss; data.train and data.val may be lists of images and masks of any names";
  const explained =
    pairs.length === 0 && there.length > 0
      ? [`${masks}: expected PNGs named as their images, found ${other ?? pngs[0]}; ${mend}`]
      : [];
  return { pairs, problems: [...explained, ...problems] };
}

/** What a mask has in common with one of the images: its name, without a word such as `_mask` after it. */
export function maskKey(images: readonly string[]): (mask: string) => string {
  const stems = new Set(images.map(withoutExtension));
  return (mask) => maskNames(mask).find((name) => stems.has(name)) ?? withoutExtension(mask);
}

/** What the image of a mask may be called: as the mask, or without the word after it. */
export function maskNames(mask: string): string[] {
  const stem = withoutExtension(mask);
  return [stem, ...MASK_SUFFIXES.filter((end) => stem.endsWith(end)).map((end) => stem.slice(0, -end.length))];
}

/** The names of a folder's images, sorted; hidden ones are none. */
export async function imagesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => isImageFile(name) && !name.startsWith(".")).sort();
  } catch (cause) {
    throw new PspnetError("data", `${folder}: expected a folder of images or masks (${(cause as Error).message})`, {
      cause,
    });
  }
}
