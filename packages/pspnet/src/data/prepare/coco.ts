import { dirname, join } from "node:path";
import type { LabelMap } from "@pspnet/core";
import { counted } from "../../report/counted.js";
import { withoutExtension } from "../pairFiles.js";
import type { Pair } from "../source.js";
import { exportedClasses, ImageFinder, isObject, objectsOf, readJson, splitByPath, splitOf } from "./exported.js";
import { filesBelow } from "./findFiles.js";
import type { Preparation } from "./preparation.js";
import { areaOf, blankMask, fillOutline, type Outline } from "./rasterise.js";
import { cocoRunLengths, fillRuns } from "./runLengths.js";

type Json = Readonly<Record<string, unknown>>;

/** Objects of COCO's JSON, the official one or an export: outlines and run lengths become masks, small objects over large ones. */
export const coco: Preparation = {
  name: "coco",
  title: "COCO's JSON of polygons (instances, or the export of an annotation program)",
  layout: "JSON files with images, annotations and categories, a split each, and the images anywhere below",
  async read({ folder, seed, out }) {
    const images = await ImageFinder.open(folder, out.path);
    const files: { readonly file: string; readonly json: Json }[] = [];
    for (const file of await filesBelow(folder, "**/*.json")) {
      const json = await readJson(join(folder, file)).catch(() => null);
      if (isObject(json) && [json.images, json.annotations, json.categories].every(Array.isArray))
        files.push({ file, json });
    }
    const names = new Map<unknown, string>();
    for (const { json } of files) for (const { id, name } of objectsOf(json.categories)) names.set(id, String(name));
    const ids = [...names.keys()].sort((a, b) => Number(a) - Number(b));
    const classes = exportedClasses(
      ids.map((id) => names.get(id)!),
      folder,
    );
    const labelOf = new Map(ids.map((id, i) => [id, i + 1]));
    const pairs: Pair[] = [];
    const problems: string[] = [];
    let empty = 0;
    for (const { file, json } of files) {
      const byImage = new Map<unknown, Json[]>();
      for (const object of objectsOf(json.annotations)) {
        const others = byImage.get(object.image_id);
        if (others) others.push(object);
        else byImage.set(object.image_id, [object]);
      }
      const of = join(folder, file);
      const toMake = objectsOf(json.images).flatMap((entry) => {
        const name = String(entry.file_name);
        const image = images.find(name, dirname(file)) ?? images.find(join(splitOf(file) ?? "", name));
        const objects = byImage.get(entry.id) ?? [];
        if (image === null) problems.push(`${of} names ${name}, which is nowhere below ${folder}`);
        else if (objects.length === 0) empty++;
        const id = `${withoutExtension(file)}/${withoutExtension(name.replaceAll(/\.\.|\\|:/g, "_"))}`;
        return image ? [{ id, image, of, make: async () => draw(entry, objects, labelOf, of) }] : [];
      });
      const made = await out.masks(toMake, { palette: classes.palette, what: file });
      pairs.push(...made.pairs);
      problems.push(...made.problems);
    }
    const { splits, notes } = splitByPath(pairs, ({ id }) => id, seed);
    const background = `${counted(empty, "image")} without an object: background alone`;
    return { splits, classes, problems, notes: [...notes, ...(empty > 0 ? [background] : [])] };
  },
};

/** An object, as outlines or as run lengths. */
interface Shape {
  readonly label: number;
  readonly outlines: readonly Outline[];
  readonly runs: readonly number[];
  /** In pixels. */
  readonly size: number;
}

function draw(image: Json, objects: readonly Json[], labelOf: ReadonlyMap<unknown, number>, file: string): LabelMap {
  const what = `${file}: ${image.file_name}`;
  const mask = blankMask(image.width, image.height, what);
  const shapes = objects.flatMap(({ segmentation, category_id }): Shape[] => {
    const label = labelOf.get(category_id);
    if (label === undefined) return [];
    if (isObject(segmentation)) {
      const runs = cocoRunLengths(segmentation.counts, what);
      return [{ label, runs, outlines: [], size: runs.reduce((sum, length, i) => sum + (i % 2) * length, 0) }];
    }
    const outlines = Array.isArray(segmentation) ? segmentation.filter(isOutline) : [];
    return [{ label, runs: [], outlines, size: outlines.reduce((sum, outline) => sum + areaOf(outline), 0) }];
  });
  const area = { left: 0, top: 0, width: mask.width, height: mask.height, by: "columns" } as const;
  for (const shape of shapes.sort((a, b) => b.size - a.size)) {
    fillRuns(mask, shape.runs, area, shape.label);
    for (const outline of shape.outlines) fillOutline(mask, outline, shape.label);
  }
  return mask;
}

const isOutline = (value: unknown): value is Outline =>
  Array.isArray(value) && value.length >= 6 && value.every((number) => Number.isFinite(number));
