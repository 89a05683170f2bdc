import { existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { type ClassList, IGNORE, type LabelMap, PspnetError, vocPalette } from "@pspnet/core";
import { isImageFile } from "../../files/imageFile.js";
import { pairFiles, withoutExtension } from "../pairFiles.js";
import type { Pair } from "../source.js";
import { exportedClasses, isObject } from "./exported.js";
import { filesBelow, readLines } from "./findFiles.js";
import { idRanges, rangesOf } from "./idRanges.js";
import type { Download, Preparation, Prepared } from "./preparation.js";
import { areaOf, blankMask, fillOutline } from "./rasterise.js";

type Yaml = Readonly<Record<string, unknown>>;

/** A dataset as Ultralytics' YAML describes it: masks by `masks_dir`, or polygons in text files where it names none. */
export const ultralytics: Preparation = {
  name: "ultralytics",
  title: "Ultralytics' dataset YAML, masks or polygons",
  layout: "a YAML of path, train, val, names, and masks_dir and label_mapping where there are any",
  async read(download) {
    const { folder } = download;
    const { file, yaml } = await findYaml(folder);
    const given = typeof yaml.path === "string" ? yaml.path : ".";
    const base =
      [join(dirname(file), given), join(dirname(file), "..", given), dirname(file)].find((place) =>
        existsSync(join(place, entryOf(yaml.train))),
      ) ?? dirname(file);
    const names = isObject(yaml.names) || Array.isArray(yaml.names) ? Object.values(yaml.names).map(String) : [];
    const images: Record<string, string[]> = {};
    for (const split of ["train", "val"]) images[split] = await imagesOf(base, yaml[split]);
    const read = typeof yaml.masks_dir === "string" ? readMasks(yaml, names) : await drawPolygons(download, names);
    const splits: Record<string, readonly Pair[]> = {};
    const problems: string[] = [];
    for (const [split, files] of Object.entries(images)) {
      const found = await read.pairs(base, files);
      splits[split] = found.pairs;
      problems.push(...found.problems);
    }
    return { ...read.meaning, splits, problems, notes: [`${relative(folder, file)}: ${read.note}`] };
  },
};

interface Reading {
  readonly meaning: Pick<Prepared, "classes" | "ids" | "ignore">;
  readonly note: string;
  pairs(base: string, images: readonly string[]): Promise<{ pairs: readonly Pair[]; problems: readonly string[] }>;
}

/**
 * The YAML that describes a dataset.
 *
 * @throws PspnetError "data" where there is none.
 */
export async function findYaml(folder: string): Promise<{ readonly file: string; readonly yaml: Yaml }> {
  const { parse } = await import("yaml");
  for (const name of await filesBelow(folder, "*.{yaml,yml}")) {
    const file = join(folder, name);
    const text = await readFile(file, "utf8");
    try {
      const yaml = parse(text);
      if (isObject(yaml) && yaml.train !== undefined && yaml.names !== undefined) return { file, yaml };
    } catch {
      // Another file may be the one.
    }
  }
  throw new PspnetError("data", `${folder}: expected a YAML file with train, val and names in it, found none`);
}

const entryOf = (value: unknown) => String(Array.isArray(value) ? value[0] : value);

/** The images of a split, below `base`: of folders, or of lists of paths. */
async function imagesOf(base: string, entry: unknown): Promise<string[]> {
  const found: string[] = [];
  for (const given of [entry].flat().filter((one) => typeof one === "string")) {
    // Roboflow writes ../train/images into a YAML that stands beside train.
    const place = [given, given.replace(/^(\.\.\/)+/, "")].find((one) => existsSync(join(base, one)));
    if (place === undefined) continue;
    const at = join(base, place);
    if (statSync(at).isDirectory()) {
      const files = (await filesBelow(at, "**/*")).filter(isImageFile);
      found.push(...files.map((file) => join(place, file)));
    } else found.push(...((await readLines(at)) ?? []).map((line) => relative(base, join(dirname(at), line))));
  }
  return found.map((file) => file.replaceAll("\\", "/"));
}

/** `images/train/x.jpg` is `<folder>/train/x` elsewhere: the last part of a path that is called images is another there. */
const beside = (image: string, folder: string) =>
  withoutExtension(image).replace(/(^|.*\/)images(?=\/)/, `$1${folder}`);

function readMasks(yaml: Yaml, names: readonly string[]): Reading {
  const mapping = isObject(yaml.label_mapping) ? Object.entries(yaml.label_mapping) : [];
  const classes: ClassList = { names, palette: vocPalette(names.length) };
  const within = mapping.filter(([id]) => Number(id) >= 0 && Number(id) < IGNORE);
  const mapped = within.filter(([, label]) => typeof label === "number" && label >= 0 && label < names.length);
  const none = within.filter((entry) => !mapped.includes(entry)).map(([id]) => Number(id));
  return {
    meaning: {
      classes,
      ...(mapped.length > 0 && { ids: idRanges(mapped.map(([id, label]) => [Number(id), label as number])) }),
      ...(none.length > 0 && { ignore: rangesOf(none) }),
    },
    note: `masks in ${yaml.masks_dir}`,
    async pairs(base, images) {
      const masks = images.map((image) => `${beside(image, String(yaml.masks_dir))}.png`);
      const there = masks.filter((mask) => existsSync(join(base, mask)));
      const keyOf = new Map(masks.map((mask, i) => [mask, withoutExtension(images[i])]));
      return pairFiles(
        { folder: base, files: images },
        { folder: base, files: there, key: (mask) => keyOf.get(mask)! },
      );
    },
  };
}

/** Polygons as lines of class, x, y, x, y, ..., of an image's sides; small ones over large ones, on a background of class 0. */
async function drawPolygons({ out, folder }: Download, names: readonly string[]): Promise<Reading> {
  const classes = exportedClasses(names, folder);
  const { sizeOf } = await import("../images.js");
  return {
    meaning: { classes },
    note: "polygons in labels/*.txt, on a background that is class 0",
    pairs: (base, images) =>
      out.masks(
        images.map((image) => {
          const path = join(base, image);
          const of = join(base, `${beside(image, "labels")}.txt`);
          const make = async () => draw(of, await sizeOf(path), names.length);
          return { id: withoutExtension(image), image: path, of, make };
        }),
        { palette: classes.palette, what: basename(dirname(images[0] ?? "masks")) },
      ),
  };
}

async function draw(
  file: string,
  { width, height }: { width: number; height: number },
  count: number,
): Promise<LabelMap> {
  const mask = blankMask(width, height, file);
  const lines = (await readLines(file)) ?? [];
  const shapes = lines.map((line, i) => {
    const [label, ...numbers] = line.split(/\s+/).map(Number);
    const fits =
      Number.isInteger(label) && label >= 0 && label < count && numbers.every(Number.isFinite) && numbers.length >= 6;
    if (!fits)
      throw new PspnetError(
        "data",
        `${file}:${i + 1}: expected a class from 0 to ${count - 1} and the corners of a polygon, found ${line.slice(0, 40)}`,
      );
    const outline = numbers.map((number, j) => number * (j % 2 === 0 ? width : height));
    return { label, outline };
  });
  for (const { label, outline } of shapes.sort((a, b) => areaOf(b.outline) - areaOf(a.outline)))
    fillOutline(mask, outline, label + 1);
  return mask;
}
