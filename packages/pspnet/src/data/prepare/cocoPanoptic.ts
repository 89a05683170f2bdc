import { dirname, join } from "node:path";
import { IGNORE, type LabelMap, vocPalette } from "@pspnet/core";
import { withoutExtension } from "../pairFiles.js";
import type { Pair } from "../source.js";
import { ImageFinder, isObject, objectsOf, readJson, splitByPath, splitOf } from "./exported.js";
import { filesBelow } from "./findFiles.js";
import type { Preparation } from "./preparation.js";

/** COCO's panoptic annotations: PNGs whose colours are numbers of segments, R + 256 G + 65536 B, and a JSON that says their categories. */
export const cocoPanoptic: Preparation = {
  name: "coco-panoptic",
  title: "COCO's panoptic annotations, things and stuff as one set of classes",
  layout:
    "panoptic_train2017.json, panoptic_val2017.json, a folder of PNGs of each name, and the images anywhere below",
  async read({ folder, seed, out }) {
    const images = await ImageFinder.open(folder, out.path);
    const pngs = new Map((await filesBelow(folder, "**/*.png")).map((file) => [file, join(folder, file)]));
    const pairs: Pair[] = [];
    const problems: string[] = [];
    const names = new Map<unknown, string>();
    const files: { readonly file: string; readonly json: Readonly<Record<string, unknown>> }[] = [];
    for (const file of await filesBelow(folder, "**/*.json")) {
      const json = await readJson(join(folder, file)).catch(() => null);
      if (!isObject(json) || !objectsOf(json.annotations).some((one) => Array.isArray(one.segments_info))) continue;
      for (const { id, name } of objectsOf(json.categories)) names.set(id, String(name));
      files.push({ file, json });
    }
    const labelOf = new Map([...names.keys()].map((id, label) => [id, label]));
    const classes = { names: [...names.values()], palette: vocPalette(names.size) };
    for (const { file, json } of files) {
      const fileOf = new Map(objectsOf(json.images).map((image) => [image.id, String(image.file_name)]));
      const toMake = objectsOf(json.annotations).flatMap((annotation) => {
        const name = fileOf.get(annotation.image_id) ?? "";
        const near = splitOf(file) ?? "";
        const image = images.find(join(`${near}2017`, name)) ?? images.find(name, near);
        const png = String(annotation.file_name);
        const of = pngs.get(join(withoutExtension(file), png)) ?? pngs.get(join(dirname(file), png));
        if (!image) problems.push(`${join(folder, file)} names ${name}, which is nowhere below ${folder}`);
        if (!of) problems.push(`${join(folder, file)} names ${png}, which is not in ${withoutExtension(file)}`);
        if (!image || !of) return [];
        const segments = new Map(
          objectsOf(annotation.segments_info).map(({ id, category_id }) => [id, labelOf.get(category_id)]),
        );
        return [
          { id: join(withoutExtension(file), withoutExtension(png)), image, of, make: () => labelsOf(of, segments) },
        ];
      });
      const made = await out.masks(toMake, { palette: classes.palette, what: file });
      pairs.push(...made.pairs);
      problems.push(...made.problems);
    }
    const { splits, notes } = splitByPath(pairs, ({ id }) => id, seed);
    return { splits, classes, problems, notes };
  },
};

/** The category of each pixel's segment; none for those of no segment. */
async function labelsOf(png: string, segments: ReadonlyMap<unknown, number | undefined>): Promise<LabelMap> {
  const { readImage } = await import("../images.js");
  const { width, height, data } = await readImage(png);
  const labels = new Uint8Array(width * height);
  for (let i = 0; i < labels.length; i++) {
    const segment = data[3 * i] + 256 * data[3 * i + 1] + 65536 * data[3 * i + 2];
    labels[i] = segments.get(segment) ?? IGNORE;
  }
  return { width, height, data: labels };
}
