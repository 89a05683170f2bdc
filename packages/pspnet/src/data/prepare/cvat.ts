import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ClassList, LabelMap, Rgb } from "@pspnet/core";
import { counted } from "../../report/counted.js";
import { withoutExtension } from "../pairFiles.js";
import type { Pair } from "../source.js";
import { exportedClasses, ImageFinder, splitByPath } from "./exported.js";
import { filesBelow } from "./findFiles.js";
import type { Preparation } from "./preparation.js";
import { blankMask, ellipse, fillOutline, type Outline, rectangle } from "./rasterise.js";
import { fillRuns } from "./runLengths.js";
import { type XmlElement, xmlElements } from "./xml.js";

/** CVAT's export "CVAT for images": outlines, boxes and brushed masks become masks, higher ones over lower ones. */
export const cvat: Preparation = {
  name: "cvat",
  title: 'CVAT\'s XML ("CVAT for images 1.1")',
  layout: "annotations.xml, and the images anywhere below",
  async read({ folder, seed, out }) {
    const images = await ImageFinder.open(folder, out.path);
    const files: { readonly file: string; readonly elements: readonly XmlElement[] }[] = [];
    for (const file of await filesBelow(folder, "**/*.xml")) {
      const elements = xmlElements(await readFile(join(folder, file), "utf8"));
      if (elements[0]?.name === "annotations") files.push({ file, elements });
    }
    const classes = classesOf(
      files.flatMap(({ elements }) => elements),
      folder,
    );
    const idOf = new Map(classes.names.map((name, id) => [name, id]));
    const pairs: Pair[] = [];
    const problems: string[] = [];
    let flat = 0;
    for (const { file, elements } of files) {
      const of = join(folder, file);
      const toMake = elements
        .filter(({ name }) => name === "image")
        .flatMap((element) => {
          const { name = "", subset = "" } = element.attributes;
          const image = images.find(join(subset, name), dirname(file)) ?? images.find(name);
          flat += element.children.filter((shape) => SHAPES.has(shape.name) && !SHAPES.get(shape.name)).length;
          if (image)
            return [
              {
                id: withoutExtension(join(subset, name).replaceAll(/\.\.|\\|:/g, "_")),
                image,
                of,
                make: async () => draw(element, idOf, of),
              },
            ];
          problems.push(`${of} names ${name}, which is nowhere below ${folder}`);
          return [];
        });
      const made = await out.masks(toMake, { palette: classes.palette, what: file });
      pairs.push(...made.pairs);
      problems.push(...made.problems);
    }
    const { splits, notes } = splitByPath(pairs, ({ id }) => id, seed);
    const without = `${counted(flat, "shape")} without an area (points, lines) left out`;
    return { splits, classes, problems, notes: [...notes, ...(flat > 0 ? [without] : [])] };
  },
};

/** The labels of the tasks' descriptions in their colours, else those of the shapes. */
function classesOf(elements: readonly XmlElement[], folder: string): ClassList {
  const described = new Map<string, string>();
  for (const { name, children } of elements)
    if (name === "label") described.set(textOf(children, "name"), textOf(children, "color"));
  const used = elements.flatMap(({ attributes: { label } }) => label ?? []);
  const labels = [...new Set([...described.keys(), ...used])].filter((label) => label !== "" && label !== "background");
  const { names, palette } = exportedClasses(labels, folder);
  return { names, palette: names.map((name, id) => colourOf(described.get(name)) ?? palette[id]) };
}

const textOf = (children: readonly XmlElement[], name: string) =>
  children.find((child) => child.name === name)?.text ?? "";

function colourOf(text: string | undefined): Rgb | null {
  const parts = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(text ?? "");
  return parts ? [Number.parseInt(parts[1], 16), Number.parseInt(parts[2], 16), Number.parseInt(parts[3], 16)] : null;
}

type Attributes = XmlElement["attributes"];
const numbersOf = (attributes: Attributes, ...names: readonly string[]) =>
  names.map((name) => Number(attributes[name]));

/** Outlines by the shapes' names; null: the shape has no area. A brushed mask has runs in their place. */
const SHAPES: ReadonlyMap<string, ((attributes: Attributes) => Outline | null) | null> = new Map<
  string,
  ((attributes: Attributes) => Outline | null) | null
>([
  ["polygon", ({ points = "" }) => points.split(/[;,]/).map(Number)],
  [
    "box",
    (attributes) => {
      const [x0, y0, x1, y1] = numbersOf(attributes, "xtl", "ytl", "xbr", "ybr");
      return rectangle(x0, y0, x1, y1);
    },
  ],
  [
    "ellipse",
    (attributes) => {
      const [x, y, radiusX, radiusY] = numbersOf(attributes, "cx", "cy", "rx", "ry");
      return ellipse(x, y, radiusX, radiusY);
    },
  ],
  ["mask", () => null],
  ["polyline", null],
  ["points", null],
]);

function draw({ attributes, children }: XmlElement, idOf: ReadonlyMap<string, number>, file: string): LabelMap {
  const mask = blankMask(Number(attributes.width), Number(attributes.height), `${file}: ${attributes.name}`);
  const height = ({ attributes }: XmlElement) => Number(attributes.z_order ?? 0);
  for (const { name, attributes } of [...children].sort((a, b) => height(a) - height(b))) {
    const id = idOf.get(attributes.label ?? "");
    const outline = SHAPES.get(name)?.(attributes);
    if (id === undefined) continue;
    if (name === "mask") {
      const [left, top, width, height] = numbersOf(attributes, "left", "top", "width", "height");
      const runs = (attributes.rle ?? "").split(",").map(Number);
      if ([left, top, width, height, ...runs].every((number) => Number.isInteger(number)) && width > 0)
        fillRuns(mask, runs, { left, top, width, height, by: "rows" }, id);
    } else if (outline?.every((number) => Number.isFinite(number))) fillOutline(mask, outline, id);
  }
  return mask;
}
