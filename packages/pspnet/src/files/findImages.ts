import { stat } from "node:fs/promises";
import { basename, dirname, extname, join, resolve, sep } from "node:path";
import { PspnetError } from "@pspnet/core";
import { glob } from "tinyglobby";
import { IMAGE_EXTENSIONS } from "./imageFile.js";

const PATTERN = `**/*.{${IMAGE_EXTENSIONS.join(",")}}`;

export interface FoundImage {
  readonly file: string;
  /** Path of the results: without extension, unless it takes that to tell one from another. */
  readonly name: string;
}

/**
 * The images that `inputs` mean: files, folders with all below them, and globs; each once. Where names would be the same, each has
 * the name of its folder before its own, or keeps its extension.
 *
 * @throws PspnetError "usage" naming the input that means none.
 */
export async function findImages(inputs: readonly string[]): Promise<FoundImage[]> {
  const found = new Map<string, Shown>();
  for (const input of inputs) {
    const matches = await expand(input);
    if (matches.length === 0)
      throw new PspnetError("usage", `${input}: expected an image, a folder of images or a glob, found none`);
    for (const { file, inside } of matches) {
      const path = resolve(file);
      if (!found.has(path)) found.set(path, { file, path, depth: inside.split("/").length, extension: false });
    }
  }
  const images = [...found.values()];
  tellApart(images);
  return images.map((image) => ({ file: image.file, name: nameOf(image) }));
}

async function expand(input: string): Promise<{ file: string; inside: string }[]> {
  const kind = await stat(input).catch(() => null);
  if (kind?.isFile()) return [{ file: input, inside: basename(input) }];
  if (kind?.isDirectory()) {
    const files = await glob(PATTERN, { cwd: input, caseSensitiveMatch: false });
    return files.sort().map((file) => ({ file: join(input, file), inside: file }));
  }
  const files = await glob(input, { expandDirectories: false });
  return files.sort().map((file) => ({ file, inside: file.startsWith("..") ? basename(file) : file }));
}

/** An image and what its name shows of its path: this many last parts, the extension or not. */
interface Shown {
  readonly file: string;
  readonly path: string;
  depth: number;
  extension: boolean;
}

function nameOf({ path, depth, extension }: Shown): string {
  const shown = path.split(sep).filter(Boolean).slice(-depth).join("/");
  return extension ? shown : shown.slice(0, shown.length - extname(shown).length);
}

/** Shows more of paths until no two names are the same. */
function tellApart(images: readonly Shown[]): void {
  for (;;) {
    const groups = new Map<string, Shown[]>();
    for (const image of images) groups.set(nameOf(image), [...(groups.get(nameOf(image)) ?? []), image]);
    const alike = [...groups.values()].filter(({ length }) => length > 1);
    if (alike.length === 0) return;
    for (const group of alike) {
      const oneFolder = new Set(group.map(({ path }) => dirname(path))).size === 1;
      for (const image of group) {
        if (oneFolder) image.extension = true;
        else image.depth++;
      }
    }
  }
}
