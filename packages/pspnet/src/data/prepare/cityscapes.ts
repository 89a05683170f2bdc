import { CITYSCAPES_LABEL_IDS } from "@pspnet/core";
import type { DataConfig } from "../format.js";
import { pairFiles, unpaired } from "../pairFiles.js";
import { filesBelow } from "./findFiles.js";
import { idRanges, rangesOf } from "./idRanges.js";
import type { Preparation } from "./preparation.js";

/** Ids that Cityscapes' labels have; its licence plate, -1, is 255 in a PNG. */
const LABEL_IDS = 34;

/** Colours of Cityscapes' labels that are not scored. Polegroup has that of pole, licence plate that of car. */
const VOID_COLOURS = "#000000 #6f4a00 #510051 #faaaa0 #e6968c #b4a5b4 #966464 #96785a #00005a #00006e".split(" ");

/** What masks mean by the end of their names, the best first. */
const KINDS: Readonly<Record<string, Pick<DataConfig, "ids" | "ignore"> & { readonly note: string }>> = {
  labelIds: {
    ids: idRanges(CITYSCAPES_LABEL_IDS.map((id, label) => [id, label])),
    ignore: rangesOf(
      Array.from({ length: LABEL_IDS }, (_, id) => id).filter((id) => !CITYSCAPES_LABEL_IDS.includes(id)),
    ),
    note: "masks of label ids: those of the 19 scored classes are mapped as they are read, the others are none",
  },
  labelTrainIds: { note: "masks of train ids" },
  color: {
    ignore: VOID_COLOURS,
    note: "masks of colours, in which a group of poles is a pole and a licence plate a car; labelIds.png are exact",
  },
};

const VAL_CITIES = /(^|\/)(frankfurt|lindau|munster)_[^/]*$/;

/** Cityscapes, fine and coarse annotations. */
export const cityscapes: Preparation = {
  name: "cityscapes",
  title: "Cityscapes",
  layout: "leftImg8bit/{train,val,test}/<city>/*_leftImg8bit.png and gtFine/{train,val}/<city>/*_gtFine_labelIds.png",
  marks: ["leftImg8bit/train/**/*_leftImg8bit.png", "gtFine/train/**/*_gtFine_*.png"],
  published: { train: 2975, val: 500 },
  recipe: { crop: 713, epochs: 200 },
  async read({ folder }) {
    const images = await filesBelow(folder, "**/*_leftImg8bit.{png,jpg}");
    const fine = await masksOf(folder, "gtFine");
    const coarse = await masksOf(folder, "gtCoarse", fine.kind);
    const paired = (split: string, { files }: { readonly files: readonly string[] }) =>
      pairFiles(
        { folder, files: images.filter((file) => splitOf(file) === split), key: frameOf },
        { folder, files: files.filter((file) => splitOf(file) === split), key: frameOf },
      );
    const [train, val, extra] = [paired("train", fine), paired("val", fine), paired("train_extra", coarse)];
    const test = unpaired({ folder, files: images.filter((file) => splitOf(file) === "test") });
    const { note, ...meaning } = KINDS[fine.kind];
    return {
      splits: {
        train: train.pairs,
        val: val.pairs,
        ...(test.pairs.length > 0 && { test: test.pairs }),
        ...(extra.pairs.length > 0 && { train_fine_coarse: [...train.pairs, ...extra.pairs] }),
      },
      classes: "cityscapes",
      ...meaning,
      problems: [...train.problems, ...val.problems, ...extra.problems],
      notes: [
        note,
        extra.pairs.length > 0
          ? `${extra.pairs.length} coarse annotations (20000 published, one of them broken in some copies): data.train=train_fine_coarse.txt has them too`
          : "no coarse annotations (gtCoarse, leftImg8bit/train_extra)",
      ],
    };
  },
};

/** The masks of the best kind that there is, or of the kind that is told. */
async function masksOf(folder: string, annotation: string, told?: string) {
  for (const kind of told ? [told] : Object.keys(KINDS)) {
    const files = await filesBelow(folder, `**/*_${annotation}_${kind}.png`);
    if (files.length > 0 || told) return { kind, files };
  }
  return { kind: "labelIds", files: [] };
}

/** Aachen's frame 19 of sequence 0: `aachen_000000_000019`. */
function frameOf(file: string): string {
  return file.slice(file.lastIndexOf("/") + 1).replace(/_(leftImg8bit|gtFine|gtCoarse).*$/, "");
}

/** The split that a path's folders tell, or its city. */
function splitOf(file: string): string {
  const told = file.split("/").find((part) => /^(train|val|test|train_extra)$/.test(part));
  return told ?? (VAL_CITIES.test(file) ? "val" : "train");
}
