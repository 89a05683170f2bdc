import { join } from "node:path";
import { PspnetError } from "@pspnet/core";
import { pairFiles, withoutExtension } from "../pairFiles.js";
import { filesBelow, rootWith } from "./findFiles.js";
import type { Preparation } from "./preparation.js";

const NONE = 255;
const LAST_RAW = 150;

/**
 * ADE20K of the scene parsing benchmark. Its annotations are 0 for other things and 1 to 150 for the classes; converted for other
 * programs, 255 and 0 to 149. The masks tell which: raw ones never hold 255.
 */
export const ade20k: Preparation = {
  name: "ade20k",
  title: "ADE20K scene parsing (ADEChallengeData2016)",
  layout: "images/{training,validation}/*.jpg and annotations/{training,validation}/*.png",
  marks: ["**/images/**/ADE_train_*.jpg", "**/annotations/**/ADE_train_*.png"],
  published: { train: 20210, val: 2000 },
  recipe: { crop: 473, epochs: 100 },
  async read({ folder, countIds }) {
    const root = rootWith(folder, ["ADEChallengeData2016"], ["images", "annotations"]);
    const [images, annotations] = [join(root, "images"), join(root, "annotations")];
    const nameOf = (file: string) => withoutExtension(file.slice(file.lastIndexOf("/") + 1));
    const { pairs, problems } = pairFiles(
      { folder: images, files: await filesBelow(images, "**/ADE_{train,val}_*.jpg"), key: nameOf },
      { folder: annotations, files: await filesBelow(annotations, "**/ADE_{train,val}_*.png"), key: nameOf },
    );
    const split = (name: string) => pairs.filter(({ id }) => nameOf(id).startsWith(`ADE_${name}_`));
    const raw = areRaw(await countIds(pairs), root);
    return {
      splits: { train: split("train"), val: split("val") },
      classes: "ade20k",
      ...(raw ? { ids: { "1-150": "0-149" }, ignore: [0] } : {}),
      problems,
      notes: [
        raw ? "masks as published: ids 1 to 150 are the classes, 0 is none" : "masks converted before: 0 to 149, 255",
      ],
    };
  },
};

function areRaw(pixels: Float64Array, root: string): boolean {
  if (pixels[NONE] > 0 && pixels[LAST_RAW] > 0) {
    const found = `some with ${LAST_RAW}, as those as published, and some with ${NONE}, as converted ones`;
    throw new PspnetError("data", `${root}: expected masks of one kind, found ${found}; take them as published`);
  }
  return pixels[NONE] === 0;
}
