import { extname, join } from "node:path";
import type { Listing } from "./format.js";

/** Files of one kind in a folder. */
export interface FileSet {
  readonly folder: string;
  /** Their paths below it, "/" between the parts. */
  readonly files: readonly string[];
  /** What an image and its mask have in common; left out: the path without its extension. */
  readonly key?: (file: string) => string;
}

/** Images and masks of one key, in the order of the images. What has no partner, or several, is a problem. */
export function pairFiles(images: FileSet, masks: FileSet): Listing {
  const { files: imageFiles, problems } = byKey(images);
  const { files: maskFiles, problems: maskProblems } = byKey(masks);
  return {
    pairs: [...imageFiles]
      .filter(([key]) => maskFiles.has(key))
      .map(([key, file]) => pairOf(images, file, join(masks.folder, maskFiles.get(key)!))),
    problems: [
      ...problems,
      ...maskProblems,
      ...missing(imageFiles, maskFiles).map((file) => `${join(images.folder, file)} has no mask in ${masks.folder}`),
      ...missing(maskFiles, imageFiles).map((file) => `${join(masks.folder, file)} has no image in ${images.folder}`),
    ],
  };
}

/** Images that have no masks at all. */
export function unpaired(images: FileSet): Listing {
  const { files, problems } = byKey(images);
  return { pairs: [...files.values()].map((file) => pairOf(images, file, null)), problems };
}

export const withoutExtension = (file: string): string => file.slice(0, file.length - extname(file).length);

const pairOf = ({ folder }: FileSet, file: string, mask: string | null) => ({
  id: file,
  image: join(folder, file),
  mask,
});

function byKey({ folder, files, key = withoutExtension }: FileSet) {
  const found = new Map<string, string>();
  const problems: string[] = [];
  for (const file of files) {
    const name = key(file);
    const other = found.get(name);
    if (other === undefined) found.set(name, file);
    else problems.push(`${folder}: expected one file of the name "${name}", found ${other} and ${file}; remove one`);
  }
  return { files: found, problems };
}

function missing(from: ReadonlyMap<string, string>, within: ReadonlyMap<string, string>): string[] {
  return [...from].filter(([key]) => !within.has(key)).map(([, file]) => file);
}
