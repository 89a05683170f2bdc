import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { isImageFile } from "../files/imageFile.js";
import { readImage } from "./images.js";
import type { FolderNames } from "./layouts.js";
import { spread } from "./spread.js";

/** More colours than a mask has: photographs have thousands. */
const MANY_COLOURS = 100;
const LOOKED_AT = 3;

/**
 * What folders of images and of masks are called, where some folder has two of them and no other: those with few colours are masks.
 *
 * @param places where the two may stand.
 * @param splits names of folders that may stand between them and the files.
 */
export async function namesByContent(
  places: readonly string[],
  splits: readonly string[],
): Promise<FolderNames | null> {
  for (const place of places) {
    const found: [name: string, files: readonly string[]][] = [];
    for (const name of await foldersIn(place)) {
      const files = await imagesBelow(join(place, name), splits);
      if (files.length > 0) found.push([name, files]);
    }
    if (found.length !== 2) continue;
    const [first, second] = await Promise.all(found.map(([, files]) => areMasks(files)));
    if (first === second) continue;
    const [images, masks] = first ? [found[1], found[0]] : [found[0], found[1]];
    return { images: [images[0]], masks: [masks[0]] };
  }
  return null;
}

async function foldersIn(place: string): Promise<string[]> {
  if (!existsSync(place)) return [];
  const entries = await readdir(place, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => !entry.isFile() && !entry.name.startsWith(".")).map(({ name }) => name);
}

async function imagesBelow(folder: string, splits: readonly string[]): Promise<string[]> {
  for (const place of [folder, ...splits.map((split) => join(folder, split))]) {
    const files = (await readdir(place).catch(() => [])).filter((name) => isImageFile(name) && !name.startsWith("."));
    if (files.length > 0) return files.map((name) => join(place, name));
  }
  return [];
}

async function areMasks(files: readonly string[]): Promise<boolean> {
  if (!files.every((file) => /\.png$/i.test(file))) return false;
  for (const file of spread(files, LOOKED_AT)) {
    const image = await readImage(file).catch(() => null);
    if (image === null) return false;
    const colours = new Set<number>();
    for (let i = 0; i < image.data.length && colours.size < MANY_COLOURS; i += 3)
      colours.add((image.data[i] << 16) | (image.data[i + 1] << 8) | image.data[i + 2]);
    if (colours.size >= MANY_COLOURS) return false;
  }
  return true;
}
