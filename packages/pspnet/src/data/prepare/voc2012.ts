import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { VOC2012 } from "@pspnet/core";
import { counted } from "../../report/counted.js";
import { pairFiles, withoutExtension } from "../pairFiles.js";
import type { Pair } from "../source.js";
import { holdOut } from "../split.js";
import { filesBelow, readLines, rootWith } from "./findFiles.js";
import { readMatMask } from "./matMask.js";
import type { Download, Preparation } from "./preparation.js";

/** The colour of the border, where masks' palettes were turned into colours. */
const BORDER = "#e0e0c0";

/**
 * PASCAL VOC 2012 with the annotations of SBD (Hariharan et al., ICCV 2011): trained on all that has some and that VOC does not
 * validate on, with VOC's own masks where there are any.
 */
export const voc2012: Preparation = {
  name: "voc2012",
  title: "PASCAL VOC 2012, with the annotations of SBD",
  layout: "JPEGImages/*.jpg, SegmentationClass/*.png and ImageSets/Segmentation/{train,val}.txt",
  marks: ["**/ImageSets/Segmentation/train.txt", "**/SegmentationClass/20??_??????.png"],
  published: { train: 10582, val: 1449 },
  recipe: { crop: 473, epochs: 50 },
  async read(download) {
    const root = rootWith(download.folder, ["VOC2012", "VOCdevkit/VOC2012"], ["JPEGImages", "SegmentationClass"]);
    const images = join(root, "JPEGImages");
    const photographs = new Map((await filesBelow(images, "*.jpg")).map((file) => [withoutExtension(file), file]));
    const own = await vocMasks(root, images, photographs);
    const [train, val, test] = await Promise.all(
      ["train", "val", "test"].map((set) => readLines(join(root, "ImageSets", "Segmentation", `${set}.txt`))),
    );
    const split = train && val ? listed({ train, val }, own) : unlisted(own, download.seed, root);
    const sbd = await sbdMasks(download, {
      root,
      images,
      photographs,
      without: new Set([...(train ?? []), ...(val ?? [])]),
    });
    const unlabelled = (test ?? []).flatMap((id) => photographs.get(id) ?? []);
    return {
      splits: {
        train: [...split.train, ...sbd.pairs],
        val: split.val,
        ...(unlabelled.length > 0 && {
          test: unlabelled.map((file) => ({ id: file, image: join(images, file), mask: null })),
        }),
      },
      classes: "voc2012",
      ignore: [BORDER],
      problems: [...own.problems, ...split.problems, ...sbd.problems],
      notes: [...split.notes, ...sbd.notes],
    };
  },
};

interface Masks {
  readonly pairs: readonly Pair[];
  readonly problems: readonly string[];
  readonly notes: readonly string[];
}

/** VOC's own masks; most of its photographs have none. */
async function vocMasks(root: string, images: string, photographs: ReadonlyMap<string, string>) {
  const folder = join(root, "SegmentationClass");
  const files = await filesBelow(folder, "*.png");
  const labelled = files.flatMap((file) => photographs.get(withoutExtension(file)) ?? []);
  const { pairs, problems } = pairFiles({ folder: images, files: labelled }, { folder, files });
  return { byId: new Map(pairs.map((pair) => [withoutExtension(pair.id), pair])), problems };
}

type Own = Awaited<ReturnType<typeof vocMasks>>;

function listed(sets: { readonly train: readonly string[]; readonly val: readonly string[] }, { byId }: Own) {
  const [train, val] = [sets.train, sets.val].map((ids) => ids.flatMap((id) => byId.get(id) ?? []));
  const problems = Object.entries(sets).flatMap(([set, ids]) =>
    ids
      .filter((id) => !byId.has(id))
      .map(
        (id) =>
          `ImageSets/Segmentation/${set}.txt names ${id}, which lacks JPEGImages/${id}.jpg or SegmentationClass/${id}.png`,
      ),
  );
  return { train, val, problems, notes: [`VOC's own masks: train ${train.length}, val ${val.length}`] };
}

function unlisted({ byId }: Own, seed: number, root: string) {
  const split = holdOut([...byId.values()], ({ id }) => id, { seed });
  const missing = `${root}: ImageSets/Segmentation/train.txt and val.txt are missing`;
  return {
    ...split,
    problems: [`${missing}: ${counted(split.val.length, "sample")} held out in their place, seed ${seed}`],
    notes: [],
  };
}

/** What SBD adds: as PNGs that another program made of it, or its own `.mat` files, of which masks are made. */
async function sbdMasks(
  { folder, also, out }: Download,
  {
    root,
    images,
    photographs,
    without,
  }: {
    readonly root: string;
    readonly images: string;
    readonly photographs: ReadonlyMap<string, string>;
    readonly without: ReadonlySet<string>;
  },
): Promise<Masks> {
  const made = join(root, "SegmentationClassAug");
  const isNew = (file: string) => !without.has(withoutExtension(file));
  if (also.sbd === undefined && existsSync(made)) {
    const files = (await filesBelow(made, "*.png")).filter(isNew);
    const labelled = files.flatMap((file) => photographs.get(withoutExtension(file)) ?? []);
    const found = pairFiles({ folder: images, files: labelled }, { folder: made, files });
    return { ...found, notes: [`SBD: ${found.pairs.length} masks of SegmentationClassAug`] };
  }
  const sbd = sbdFolder(also.sbd ? [also.sbd] : [folder, root, dirname(folder), dirname(dirname(folder))]);
  if (sbd === undefined) {
    const where = also.sbd ?? "beside the dataset, as benchmark_RELEASE, or where --sbd says";
    return {
      pairs: [],
      problems: [],
      notes: [`no annotations of SBD (dataset/cls/*.mat) ${where}: 1464 to train on, not 10582`],
    };
  }
  const ids = (await filesBelow(join(sbd, "cls"), "*.mat")).filter(isNew).map(withoutExtension);
  const there = ids.filter((id) => photographs.has(id));
  const { pairs, problems } = await out.masks(
    there.map((id) => {
      const of = join(sbd, "cls", `${id}.mat`);
      return {
        id,
        image: join(images, photographs.get(id)!),
        of,
        make: () => readMatMask(of, ["GTcls", "Segmentation"]),
      };
    }),
    { palette: VOC2012.palette, what: "SBD's masks" },
  );
  const lost = ids
    .filter((id) => !photographs.has(id))
    .map((id) => `${join(sbd, "cls", id)}.mat has no image in ${images}`);
  return { pairs, problems: [...problems, ...lost], notes: [`SBD: ${pairs.length} masks of ${sbd}`] };
}

function sbdFolder(places: readonly string[]): string | undefined {
  const within = ["", "dataset", "benchmark_RELEASE/dataset", "SBD", "SBD/dataset", "sbd", "sbd/dataset"];
  return places
    .flatMap((place) => within.map((inside) => join(place, inside)))
    .find((place) => existsSync(join(place, "cls")));
}
