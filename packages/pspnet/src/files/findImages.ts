import { stat } from "node:fs/promises";
import { basename, extname, join, resolve } from "node:path";
import { PspnetError } from "@pspnet/core";
import { glob } from "tinyglobby";

const PATTERN = "**/*.{jpg,jpeg,png,webp,avif,tif,tiff,gif,bmp,JPG,JPEG,PNG}";

export interface FoundImage {
  readonly file: string;
  /** Path of the results without extension, unique among what was found. */
  readonly name: string;
}

/**
 * The images that `inputs` mean: files, folders with all below them, and globs; each once.
 *
 * @throws PspnetError "usage" naming the input that means none.
 */
export async function findImages(inputs: readonly string[]): Promise<FoundImage[]> {
  const found = new Map<string, FoundImage>();
  const names = new Set<string>();
  for (const input of inputs) {
    const matches = await expand(input);
    if (matches.length === 0)
      throw new PspnetError("usage", `${input}: expected an image, a folder of images or a glob, found none`);
    for (const { file, inside } of matches) {
      const place = resolve(file);
      if (!found.has(place)) found.set(place, { file, name: uniqueName(inside, names) });
    }
  }
  return [...found.values()];
}

async function expand(input: string): Promise<{ file: string; inside: string }[]> {
  const kind = await stat(input).catch(() => null);
  if (kind?.isFile()) return [{ file: input, inside: basename(input) }];
  if (kind?.isDirectory()) {
    const files = await glob(PATTERN, { cwd: input });
    return files.sort().map((file) => ({ file: join(input, file), inside: file }));
  }
  const files = await glob(input, { expandDirectories: false });
  return files.sort().map((file) => ({ file, inside: file.startsWith("..") ? basename(file) : file }));
}

/** `a/b.jpg` gives `a/b`; a second one of that name `a/b-2`. */
function uniqueName(path: string, taken: Set<string>): string {
  const stem = path.slice(0, path.length - extname(path).length);
  let name = stem;
  for (let count = 2; taken.has(name); count++) name = `${stem}-${count}`;
  taken.add(name);
  return name;
}
