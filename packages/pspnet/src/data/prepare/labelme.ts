import { dirname, join } from "node:path";
import { IGNORE, type LabelMap, PspnetError } from "@pspnet/core";
import { counted } from "../../report/counted.js";
import { withoutExtension } from "../pairFiles.js";
import { exportedClasses, ImageFinder, isObject, objectsOf, readJson, splitByPath } from "./exported.js";
import { filesBelow, readLines } from "./findFiles.js";
import type { Preparation } from "./preparation.js";
import type { MaskToMake } from "./preparedFolder.js";
import { blankMask, ellipse, fillOutline, type Outline, rectangle } from "./rasterise.js";

/** Labels that Labelme itself gives a meaning. */
const NONE = "__ignore__";
const BACKGROUND = "_background_";

/** Labelme's annotations, a JSON for each image: outlines become masks, later ones over earlier ones. */
export const labelme: Preparation = {
  name: "labelme",
  title: "Labelme's JSON files",
  layout: "x.json with its image beside it, and labels.txt for the order of the classes where there is one",
  async read({ folder, seed, out }) {
    const images = await ImageFinder.open(folder, out.path);
    const found: { readonly file: string; readonly image: string; readonly labels: readonly string[] }[] = [];
    const problems: string[] = [];
    let flat = 0;
    for (const file of await filesBelow(folder, "**/*.json")) {
      const json = await readJson(join(folder, file)).catch((cause: PspnetError) => problems.push(cause.message));
      if (!isObject(json) || !Array.isArray(json.shapes)) continue;
      const name = typeof json.imagePath === "string" ? json.imagePath : `${withoutExtension(file)}.jpg`;
      const image = images.find(name, dirname(file)) ?? images.find(file);
      const shapes = objectsOf(json.shapes);
      flat += shapes.filter((shape) => outlineOf(shape) === null).length;
      const labels = shapes.filter((shape) => outlineOf(shape)).map(({ label }) => String(label));
      if (image) found.push({ file, image, labels });
      else problems.push(`${join(folder, file)}: expected its image ${name}, found none below ${folder}`);
    }
    const named = await readLines(join(folder, "labels.txt"));
    const seen = new Set(found.flatMap(({ labels }) => labels));
    const labels = (named ?? [...seen].sort()).filter((label) => label !== NONE && label !== BACKGROUND);
    problems.push(
      ...[...seen].filter((label) => named && !named.includes(label)).map((label) => `labels.txt lacks "${label}"`),
    );
    const classes = exportedClasses(labels, folder);
    const idOf = new Map(labels.map((label, i) => [label, i + 1])).set(NONE, IGNORE).set(BACKGROUND, 0);
    const toMake = found.map(({ file, image }): MaskToMake => {
      const of = join(folder, file);
      return { id: withoutExtension(file), image, of, make: () => draw(of, idOf) };
    });
    const made = await out.masks(toMake, { palette: classes.palette });
    const { splits, notes } = splitByPath(made.pairs, ({ id }) => id, seed);
    const without = `${counted(flat, "shape")} without an area (points, lines) left out`;
    return {
      splits,
      classes,
      problems: [...problems, ...made.problems],
      notes: [...notes, ...(flat > 0 ? [without] : [])],
    };
  },
};

async function draw(file: string, idOf: ReadonlyMap<string, number>): Promise<LabelMap> {
  const json = await readJson(file);
  if (!isObject(json)) throw new PspnetError("data", `${file}: expected keys and values`);
  const mask = blankMask(json.imageWidth, json.imageHeight, file);
  for (const shape of objectsOf(json.shapes)) {
    const outline = outlineOf(shape);
    const id = idOf.get(String(shape.label));
    if (outline && id !== undefined) fillOutline(mask, outline, id);
  }
  return mask;
}

/** Null: the shape has no area, or is none. */
function outlineOf({ shape_type: type = "polygon", points }: Readonly<Record<string, unknown>>): Outline | null {
  if (!Array.isArray(points) || !points.every((point) => Array.isArray(point) && point.length === 2)) return null;
  const numbers = points.flat();
  if (!numbers.every((value) => Number.isFinite(value))) return null;
  const [x0, y0, x1, y1] = numbers;
  if (type === "rectangle" && points.length === 2) return rectangle(x0, y0, x1, y1);
  if (type === "circle" && points.length === 2) {
    const radius = Math.hypot(x1 - x0, y1 - y0);
    return ellipse(x0, y0, radius, radius);
  }
  return (type === "polygon" || type === "rectangle") && points.length >= 3 ? numbers : null;
}
