import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { type ClassList, PspnetError, vocPalette } from "@pspnet/core";
import { pairFiles, withoutExtension } from "../pairFiles.js";
import type { Pair } from "../source.js";
import { filesBelow, readLines, rootWith } from "./findFiles.js";
import { readMatMask } from "./matMask.js";
import type { Download, Preparation } from "./preparation.js";

const NAMES = `
  aeroplane; bag; bed; bedclothes; bench; bicycle; bird; boat; book; bottle; building; bus; cabinet; car; cat; ceiling; chair;
  cloth; computer; cow; cup; curtain; dog; door; fence; floor; flower; food; grass; ground; horse; keyboard; light; motorbike;
  mountain; mouse; person; plate; platform; pottedplant; road; rock; sheep; shelves; sidewalk; sign; sky; snow; sofa; table;
  track; train; tree; truck; tvmonitor; wall; water; window; wood
`
  .split(";")
  .map((name) => name.trim());
const CLASSES: ClassList = { names: NAMES, palette: vocPalette(NAMES.length) };

const NONE = 255;

/** Pascal Context, 59 classes: the label maps of its 459 labels as published, or PNGs that were made of them. */
export const pascalContext: Preparation = {
  name: "pascal-context",
  title: "Pascal Context, 59 classes",
  layout: "VOC2010 (JPEGImages, ImageSets) with trainval/*.mat and labels.txt, or with SegmentationClassContext/*.png",
  published: { train: [4998, 4996], val: [5105, 5104] },
  async read(download) {
    const root = rootWith(download.folder, ["VOC2010", "VOCdevkit/VOC2010"], ["JPEGImages"]);
    const images = join(root, "JPEGImages");
    const photographs = new Map((await filesBelow(images, "*.jpg")).map((file) => [withoutExtension(file), file]));
    const made = join(root, "SegmentationClassContext");
    const { pairs, problems, ...meaning } = existsSync(made)
      ? await fromPngs(download, made, images, photographs)
      : await fromMats(download, root, images, photographs);
    const byId = new Map(pairs.map((pair) => [withoutExtension(pair.id), pair]));
    const splits: Record<string, readonly Pair[]> = {};
    for (const split of ["train", "val"]) {
      const ids = await setOf(root, split);
      if (ids === null)
        problems.push(
          `${root}: ImageSets/SegmentationContext/${split}.txt and ImageSets/Main/${split}.txt are missing`,
        );
      // VOC's lists name all of its photographs, of which these have labels.
      splits[split] = (ids ?? []).flatMap((id) => byId.get(id) ?? []);
    }
    return { splits, classes: CLASSES, problems, ...meaning };
  },
};

async function setOf(root: string, split: string): Promise<string[] | null> {
  const places = ["SegmentationContext", "Main"].map((kind) => join(root, "ImageSets", kind, `${split}.txt`));
  for (const place of places) {
    const lines = await readLines(place);
    if (lines) return lines;
  }
  return null;
}

type Photographs = ReadonlyMap<string, string>;

async function fromPngs({ countIds }: Download, folder: string, images: string, photographs: Photographs) {
  const files = await filesBelow(folder, "*.png");
  const labelled = files.flatMap((file) => photographs.get(withoutExtension(file)) ?? []);
  const { pairs, problems } = pairFiles({ folder: images, files: labelled }, { folder, files });
  const converted = (await countIds(pairs))[NONE] > 0;
  return {
    pairs,
    problems: [...problems],
    ...(converted ? {} : { ids: { [`1-${NAMES.length}`]: `0-${NAMES.length - 1}` }, ignore: [0] }),
    notes: [converted ? "masks of 0 to 58, and 255 for none" : "masks of 1 to 59, and 0 for none"],
  };
}

/** Masks of the 59 classes of MATLAB files of 459 labels. */
async function fromMats({ folder, out }: Download, root: string, images: string, photographs: Photographs) {
  const place = [root, folder, dirname(root)].map((one) => join(one, "trainval")).find(existsSync);
  if (place === undefined)
    throw new PspnetError(
      "data",
      `${root}: expected trainval/*.mat or SegmentationClassContext/*.png in it, found neither`,
    );
  const lines = (await readLines(join(place, "labels.txt"))) ?? (await readLines(join(dirname(place), "labels.txt")));
  if (lines === null)
    throw new PspnetError(
      "data",
      `${place}: expected labels.txt, the names of the 459 labels, in it or beside it, found none`,
    );
  const classOf = new Map<number, number>();
  for (const line of lines) {
    const [, id, name] = /^(\d+)\s*:\s*(.+)$/.exec(line) ?? [];
    if (NAMES.includes(name)) classOf.set(Number(id), NAMES.indexOf(name));
  }
  const ids = (await filesBelow(place, "*.mat")).map(withoutExtension);
  const made = await out.masks(
    ids
      .filter((id) => photographs.has(id))
      .map((id) => {
        const of = join(place, `${id}.mat`);
        const make = () => readMatMask(of, ["LabelMap"], (label) => classOf.get(label) ?? NONE);
        return { id, image: join(images, photographs.get(id)!), of, make };
      }),
    { palette: CLASSES.palette },
  );
  const missing = NAMES.filter((_, label) => ![...classOf.values()].includes(label));
  const unnamed = missing.length > 0 ? [`labels.txt lacks ${missing.join(", ")}`] : [];
  const lost = ids.filter((id) => !photographs.has(id)).map((id) => `${join(place, id)}.mat has no image in ${images}`);
  return {
    pairs: made.pairs,
    problems: [...unnamed, ...made.problems, ...lost],
    notes: [`masks of the 59 classes made of ${made.pairs.length} label maps; other labels are none`],
  };
}
