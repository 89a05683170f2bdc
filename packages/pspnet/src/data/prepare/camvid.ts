import { existsSync } from "node:fs";
import { join } from "node:path";
import type { IdMap } from "../ids.js";
import { pairFiles, withoutExtension } from "../pairFiles.js";
import type { Pair } from "../source.js";
import { holdOut } from "../split.js";
import { filesBelow, rootWith } from "./findFiles.js";
import type { Preparation } from "./preparation.js";

const SPLITS = ["train", "val", "test"];

/** What the images and the masks of a split are called, and whether masks hold ids or the colours of the 32 labels. */
const LAYOUTS = [
  { images: (split: string) => split, masks: (split: string) => `${split}annot`, holds: "ids" },
  { images: (split: string) => split, masks: (split: string) => `${split}_labels`, holds: "colours" },
] as const;

const ORIGINAL = { images: "701_StillsRaw_full", masks: "LabeledApproved_full" };

/** Ids of void in masks of ids, in either order of the classes. */
const VOID = 11;
/** The class of road, which has a third of all pixels, in SegNet's order and in that of the official PyTorch release. */
const ROAD = { camvid: 3, "camvid-semseg": 5 };

/** The 32 labels' colours by the class of SegNet's 11 that each is part of; black is void. */
const COLOURS: IdMap = Object.fromEntries(
  [
    "808080",
    "800000 40c000 400040 008040 c00080",
    "c0c080 000040",
    "804080 8000c0 c00040",
    "0000c0 40c080 8080c0",
    "808000 c0c000",
    "c08080 808040 004040",
    "404080",
    "400080 4080c0 c080c0 c04080 804040",
    "404000 c08040 4000c0 408040",
    "0080c0 c000c0",
  ].flatMap((colours, label) => colours.split(" ").map((colour) => [`#${colour}`, label])),
);

/** CamVid as in SegNet's tutorial, with the colours of its 32 labels, or as it was first published, with classes in either order. */
export const camvid: Preparation = {
  name: "camvid",
  title: "CamVid, 11 classes",
  layout:
    "{train,val,test} and {train,val,test}annot, or {train,val,test}_labels, or 701_StillsRaw_full and LabeledApproved_full",
  published: { train: [367, 369], val: [101, 100] },
  async read({ folder, seed, countIds }) {
    if (existsSync(join(folder, ORIGINAL.images))) return readOriginal(folder, seed);
    const root = rootWith(folder, ["CamVid", "camvid"], ["train", "val"]);
    const { images, masks, holds } =
      LAYOUTS.find((layout) => existsSync(join(root, layout.masks("train")))) ?? LAYOUTS[0];
    const splits: Record<string, readonly Pair[]> = {};
    const problems: string[] = [];
    for (const split of SPLITS.filter((split) => existsSync(join(root, masks(split))))) {
      const found = await pairBelow(join(root, images(split)), join(root, masks(split)));
      splits[split] = found.pairs;
      problems.push(...found.problems);
    }
    if (holds === "colours") return { ...byColours(), splits, problems };
    const { classes, notes } = orderOf(await countIds(splits.train ?? []));
    return { splits, classes, ignore: [VOID], problems, notes };
  },
};

/** All 701 frames, which nothing says a split of. */
async function readOriginal(folder: string, seed: number) {
  const { pairs, problems } = await pairBelow(join(folder, ORIGINAL.images), join(folder, ORIGINAL.masks));
  const { train, val } = holdOut(pairs, ({ id }) => id, { seed });
  const { notes, ...meaning } = byColours();
  const split = `no split comes with it: ${val.length} of ${pairs.length} frames held out, seed ${seed}`;
  return { ...meaning, splits: { train, val }, problems, notes: [...notes, split] };
}

const byColours = () => ({
  classes: "camvid",
  ids: COLOURS,
  notes: ["masks of the 32 labels' colours: merged into SegNet's 11 classes as they are read"],
});

async function pairBelow(images: string, masks: string) {
  return pairFiles(
    { folder: images, files: await filesBelow(images, "*.{png,jpg}") },
    {
      folder: masks,
      files: await filesBelow(masks, "*.png"),
      key: (file) => withoutExtension(file).replace(/_L$/, ""),
    },
  );
}

/** Whose order the classes have: ids alone do not tell, but the share of the pixels that is road does. */
function orderOf(pixels: Float64Array): { readonly classes: string; readonly notes: readonly string[] } {
  const all = pixels.reduce((sum, count) => sum + count, 0) || 1;
  const share = ({ classes }: { readonly classes: keyof typeof ROAD }) => pixels[ROAD[classes]] / all;
  const [order, other] = ([{ classes: "camvid" }, { classes: "camvid-semseg" }] as const).toSorted(
    (a, b) => share(b) - share(a),
  );
  const percent = ({ classes }: typeof order) => `${Math.round(100 * share({ classes }))} %`;
  const told = `id ${ROAD[order.classes]} has ${percent(order)} of the pixels, id ${ROAD[other.classes]} ${percent(other)}`;
  return {
    classes: order.classes,
    notes: [`the order of the classes is that of ${order.classes}: ${told}, and most is road`],
  };
}
