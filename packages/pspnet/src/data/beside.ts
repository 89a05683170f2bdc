import { existsSync } from "node:fs";
import { join } from "node:path";
import { imagesIn, isMaskFile, maskKey, maskNames, noSplit } from "./folders.js";
import type { DatasetFormat, Listing } from "./format.js";
import { splitNames } from "./layouts.js";
import { pairFiles, withoutExtension } from "./pairFiles.js";

/** Each mask beside its image, `x.jpg` and `x.png` or `x_mask.png`, in a folder a split, or all in one. */
export const beside: DatasetFormat = {
  name: "beside",
  layout: (split) => `x.jpg beside x.png or x_mask.png in ${split}`,
  detect: async ({ root, train, val }) => {
    for (const split of [train, val]) if (await find(root, split)) return true;
    return false;
  },
  open: async ({ root }, split) => (await find(root, split)) ?? noSplit(root, split),
};

async function find(root: string, split: string): Promise<Listing | null> {
  for (const name of [...splitNames(split), ""]) {
    const folder = join(root, name);
    const found = existsSync(folder) ? await pairBeside(folder) : null;
    if (found && found.pairs.length > 0) return { ...found, undivided: name === "" };
  }
  return null;
}

/** The masks of a folder with their images. */
async function pairBeside(folder: string): Promise<Listing> {
  const files = await imagesIn(folder);
  const all = new Set(files.map(withoutExtension));
  const photographs = new Set(files.filter((file) => !isMaskFile(file)).map(withoutExtension));
  // A PNG is the mask of a photograph of another type and its name, or of whatever has its name without a word.
  const masks = files.filter((file) => {
    const [same, ...shorter] = isMaskFile(file) ? maskNames(file) : [];
    return same !== undefined && (photographs.has(same) || shorter.some((name) => all.has(name)));
  });
  const isMask = new Set(masks);
  const images = files.filter((file) => !isMask.has(file));
  return pairFiles({ folder, files: images }, { folder, files: masks, key: maskKey(images) });
}
