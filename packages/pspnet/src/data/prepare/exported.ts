import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { type ClassList, PspnetError, vocPalette } from "@pspnet/core";
import { IMAGE_EXTENSIONS, isImageFile } from "../../files/imageFile.js";
import { counted } from "../../report/counted.js";
import { splitNames } from "../layouts.js";
import { withoutExtension } from "../pairFiles.js";
import type { Pair } from "../source.js";
import { holdOut } from "../split.js";
import { filesBelow } from "./findFiles.js";

/** What the exports of annotation programs have in common. */

export const BACKGROUND = "background";

/** As many classes as masks can tell apart. */
const MOST_CLASSES = 255;

/**
 * The background and the labels of an export as classes.
 *
 * @throws PspnetError "data" where there are none, or more than masks can tell apart.
 */
export function exportedClasses(labels: readonly string[], folder: string): ClassList {
  const names = [BACKGROUND, ...labels];
  if (labels.length === 0 || names.length > MOST_CLASSES)
    throw new PspnetError("data", `${folder}: expected 1 to ${MOST_CLASSES - 1} labels, found ${labels.length}`);
  return { names, palette: vocPalette(names.length) };
}

/** Samples by the split that their path below the folder tells; some held out where none does. */
export function splitByPath(
  pairs: readonly Pair[],
  pathOf: (pair: Pair) => string,
  seed: number,
): { readonly splits: Readonly<Record<string, readonly Pair[]>>; readonly notes: readonly string[] } {
  const of = (split: string) => pairs.filter((pair) => splitOf(pathOf(pair)) === split);
  const [train, val, test] = ["train", "val", "test"].map(of);
  if (train.length > 0 && val.length > 0)
    return { splits: { train, val, ...(test.length > 0 && { test }) }, notes: [] };
  const parts = holdOut(pairs, ({ id }) => id, { seed });
  const held = `${parts.val.length} of ${counted(pairs.length, "sample")} held out to validate on, seed ${seed}`;
  return { splits: { train: parts.train, val: parts.val }, notes: [`no splits there: ${held}`] };
}

/** "train" of `train/x.json`, `instances_train2017.json` and `x_valid`; null where a path tells none. */
export function splitOf(path: string): string | null {
  const words = path.toLowerCase().split(/[^a-z]+/);
  return (
    ["train", "val", "test"].find((split) => splitNames(split).some((name) => words.includes(name.toLowerCase()))) ??
    null
  );
}

/** Finds the images that an export names, wherever below the folder they were put. */
export class ImageFinder {
  readonly #folder: string;
  readonly #byName = new Map<string, string[]>();

  private constructor(folder: string, files: readonly string[]) {
    this.#folder = folder;
    for (const file of files) {
      const name = withoutExtension(basename(file));
      this.#byName.set(name, [...(this.#byName.get(name) ?? []), file]);
    }
  }

  static async open(folder: string, out: string): Promise<ImageFinder> {
    const files = await filesBelow(folder, `**/*.{${IMAGE_EXTENSIONS.join(",")}}`);
    return new ImageFinder(
      folder,
      files.filter((file) => !join(folder, file).startsWith(out)),
    );
  }

  /**
   * @param name as the export has it: a path, perhaps of another machine.
   * @param near the folder to look in first, below the finder's.
   */
  find(name: string, near = "."): string | null {
    const path = name.replaceAll("\\", "/");
    const direct = [join(near, path), join(near, "images", path), path].map((place) => join(this.#folder, place));
    const found = direct.find((place) => place.startsWith(this.#folder) && isImageFile(place) && existsSync(place));
    if (found) return found;
    const alike = this.#byName.get(withoutExtension(basename(path))) ?? [];
    const split = splitOf(near === "." ? path : near);
    const best = alike.find((file) => file.endsWith(path)) ?? alike.find((file) => splitOf(file) === split) ?? alike[0];
    return best ? join(this.#folder, best) : null;
  }
}

/**
 * The JSON of a file.
 *
 * @throws PspnetError "data" for what is none.
 */
export async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch (cause) {
    throw new PspnetError("data", `${file}: expected JSON (${(cause as Error).message})`, { cause });
  }
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The objects of a list; anything else has none. */
export const objectsOf = (value: unknown) => (Array.isArray(value) ? value.filter(isObject) : []);
