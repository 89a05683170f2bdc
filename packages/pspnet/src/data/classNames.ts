import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type ClassList, classLists, PspnetError, type Rgb, vocPalette } from "@pspnet/core";
import type { DataConfig } from "./format.js";

/** Where datasets of ours keep their names and colours. */
export const CLASSES_FILE = "classes.json";

export interface DatasetClasses {
  readonly classes: ClassList;
  /** The palette, when it is the classes' own and not made for them: masks may hold its colours. */
  readonly colours?: readonly Rgb[];
}

/**
 * The classes of a dataset: what `data.classes` says (a preset, a file, or the names), else those that its format has, else
 * `classes.json` at its root.
 *
 * @throws PspnetError "data" when none says.
 */
export async function classesOf(
  { root, classes }: Pick<DataConfig, "root" | "classes">,
  ofFormat?: ClassList,
): Promise<DatasetClasses> {
  if (typeof classes === "object") return withoutColours(classes);
  if (classes !== undefined && Object.hasOwn(classLists, classes))
    return withColours(classLists[classes as keyof typeof classLists]);
  if (classes === undefined && ofFormat) return withColours(ofFormat);
  const file = classes === undefined ? join(root, CLASSES_FILE) : resolve(root, classes);
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    const presets = Object.keys(classLists).join(", ");
    const mend = `give data.classes: one of ${presets}, a file of names, or a list of names`;
    throw new PspnetError("data", `${file}: expected the names of the classes, found no such file; ${mend}`, { cause });
  }
  return file.endsWith(".json") ? parseJson(text, file) : parseNames(text, file);
}

function parseNames(text: string, file: string): DatasetClasses {
  const names = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
  if (names.length < 2)
    throw new PspnetError("data", `${file}: expected a class name on each line, found ${names.length}`);
  return withoutColours(names);
}

function parseJson(text: string, file: string): DatasetClasses {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new PspnetError("data", `${file}: expected JSON: ${(cause as Error).message}`, { cause });
  }
  const { names, palette } = (Array.isArray(value) ? { names: value } : (value ?? {})) as Partial<ClassList>;
  const isName = (name: unknown) => typeof name === "string";
  const isColour = (colour: unknown) =>
    Array.isArray(colour) &&
    colour.length === 3 &&
    colour.every((part) => Number.isInteger(part) && part >= 0 && part <= 255);
  if (!Array.isArray(names) || names.length < 2 || !names.every(isName)) {
    throw new PspnetError(
      "data",
      `${file}: expected {"names": [...], "palette": [[r, g, b], ...]} with at least 2 names`,
    );
  }
  if (palette === undefined) return withoutColours(names);
  if (!Array.isArray(palette) || palette.length !== names.length || !palette.every(isColour)) {
    throw new PspnetError(
      "data",
      `${file}: expected a palette of ${names.length} colours [r, g, b] of 0 to 255, one a class`,
    );
  }
  return withColours({ names, palette: palette as readonly Rgb[] });
}

const withColours = (classes: ClassList): DatasetClasses => ({ classes, colours: classes.palette });

const withoutColours = (names: readonly string[]): DatasetClasses => ({
  classes: { names, palette: vocPalette(names.length) },
});
