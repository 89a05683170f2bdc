import { existsSync } from "node:fs";
import { join } from "node:path";
import { CAMVID } from "@pspnet/core";
import { pairFolders } from "./folders.js";
import type { DatasetFormat } from "./format.js";

/** SegNet's CamVid has 11 classes; this id means none of them. */
const VOID = 11;

/** CamVid as in SegNet's tutorial: images in `train`, masks of the same name in `trainannot`. Its classes unless others are named. */
export const camvid: DatasetFormat = {
  name: "camvid",
  layout: (split) => `${split} and ${split}annot`,
  detect: ({ root, train, val }) => [train, val].some((split) => existsSync(join(root, `${split}annot`))),
  open: async ({ root }, split) => ({
    ...(await pairFolders(join(root, split), join(root, `${split}annot`))),
    classes: CAMVID,
    ignore: [VOID],
  }),
};
