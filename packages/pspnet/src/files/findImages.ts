import { stat } from "node:fs/promises";
import { basename, dirname, extname, join, resolve, sep } from "node:path";
import { PspnetError } from "@pspnet/core";
import { glob } from "tinyglobby";
import { FILM_EXTENSIONS, isFilmFile } from "./filmFile.js";
import { IMAGE_EXTENSIONS } from "./imageFile.js";
import { refuseUrl } from "./refuseUrl.js";
import { isResult, RECORD } from "./results.js";

const PATTERN = `**/*.{${[...IMAGE_EXTENSIONS, ...FILM_EXTENSIONS].join(",")}}`;

/** An image or a film. */
export interface FoundImage {
  readonly file: string;
  /** Path of the results: without extension, unless it takes that to tell one from another. */
  readonly name: string;
}

/** What inputs mean. */
export interface FoundImages {
  readonly images: readonly FoundImage[];
  readonly films: readonly FoundImage[];
  /** How many pictures and films are left out, since `predict` wrote them. */
  readonly results: number;
}

/**
 * The images and films that `inputs` mean: files, folders with all below them, and globs; each once. What `predict` wrote is none of them
 * ({@link isResult}), so that results may lie beside photographs. Where names would be the same, each has the name of its folder
 * before its own, or keeps its extension.
 *
 * @throws PspnetError "usage" naming the input that means none, or when all are results.
 */
export async function findImages(inputs: readonly string[]): Promise<FoundImages> {
  const found = new Map<string, Shown>();
  const results = new Set<string>();
  for (const input of inputs) {
    refuseUrl(input, "an image, a film, a folder or a glob");
    const matches = await expand(input);
    if (matches.length === 0)
      throw new PspnetError("usage", `${input}: expected an image, a film, a folder of them or a glob, found none`);
    for (const { file, inside } of matches) {
      const path = resolve(file);
      if (await isResult(file)) results.add(path);
      else if (!found.has(path)) found.set(path, { file, path, depth: inside.split("/").length, extension: false });
    }
  }
  if (found.size === 0) {
    const only = `found only what predict wrote; to segment such a picture, copy it away from its ${RECORD}`;
    throw new PspnetError("usage", `${inputs.join(" ")}: expected images, ${only}`);
  }
  const all = [...found.values()];
  const [images, films] = [all.filter(({ file }) => !isFilmFile(file)), all.filter(({ file }) => isFilmFile(file))];
  return { images: named(images), films: named(films), results: results.size };
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

function named(images: readonly Shown[]): FoundImage[] {
  tellApart(images);
  return images.map((image) => ({ file: image.file, name: nameOf(image) }));
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
