/** Files as the servers of benchmarks take them. */
import { basename, extname, join } from "node:path";
import {
  CITYSCAPES_LABEL_IDS,
  type ClassList,
  type ClassListName,
  classListNamed,
  type LabelMap,
  PspnetError,
  type Size,
  vocPalette,
} from "@pspnet/core";
import type { FoundImage } from "./findImages.js";
import { encodeIds, encodeMask } from "./png.js";

interface Submission {
  readonly classes: ClassListName;
  /** The folder that is packed, within the output folder, as the server wants to find it. */
  readonly folder: string;
  /** Of every photograph of the test set. */
  readonly size?: Size;
  encode(labels: LabelMap): Uint8Array;
}

/** Ids of another numbering. */
function renumbered(labels: LabelMap, id: (label: number) => number): LabelMap {
  return { ...labels, data: labels.data.map(id) };
}

export const SUBMISSIONS = {
  /** Label ids, not train ids, at full size: cityscapesScripts' `evalPixelLevelSemanticLabeling.py` finds a frame's file by its name. */
  cityscapes: {
    classes: "cityscapes",
    folder: "",
    size: { height: 1024, width: 2048 },
    encode: (labels) => encodeIds(renumbered(labels, (label) => CITYSCAPES_LABEL_IDS[label])),
  },
  /** A palette PNG for each image below the folder of competition 6, segmentation by a network trained on any data: the VOC devkit's tree. */
  voc: {
    classes: "voc2012",
    folder: join("results", "VOC2012", "Segmentation", "comp6_test_cls"),
    encode: (labels) => encodeMask(labels, vocPalette(256)),
  },
  /** Ids from 1, 0 being none: the scene parsing challenge's. */
  ade20k: {
    classes: "ade20k",
    folder: "",
    encode: (labels) => encodeIds(renumbered(labels, (label) => label + 1)),
  },
} as const satisfies Record<string, Submission>;

export type SubmissionName = keyof typeof SUBMISSIONS;

/**
 * Refuses what a server would: other classes, and two photographs of one name.
 *
 * @throws PspnetError "usage" naming them.
 */
export function checkSubmission(server: SubmissionName, images: readonly FoundImage[], { names }: ClassList): void {
  const { classes }: Submission = SUBMISSIONS[server];
  if (classListNamed(names) !== classes) {
    const found = names.slice(0, 4).join(", ");
    throw new PspnetError(
      "usage",
      `--submit ${server}: expected weights with the ${classes} classes in their order, found ${names.length}: ${found}, ...`,
    );
  }
  const seen = new Map<string, string>();
  for (const { file } of images) {
    const name = nameOf(file);
    const other = seen.get(name);
    if (other !== undefined)
      throw new PspnetError("usage", `--submit ${server}: expected a name for each image, found ${other} and ${file}`);
    seen.set(name, file);
  }
}

/**
 * The file of one photograph, in its place below the output folder.
 *
 * @throws PspnetError "data" for a photograph of another size than the server's.
 */
export function submissionOf(
  server: SubmissionName,
  image: string,
  labels: LabelMap,
): { readonly path: string; readonly content: Uint8Array } {
  const { folder, size, encode }: Submission = SUBMISSIONS[server];
  const { height, width } = labels;
  if (size && (size.height !== height || size.width !== width)) {
    const expected = `${size.height}x${size.width} as the server has it`;
    throw new PspnetError("data", `${image}: expected a photograph of ${expected}, found ${height}x${width}`);
  }
  return { path: join(folder, `${nameOf(image)}.png`), content: encode(labels) };
}

function nameOf(file: string): string {
  return basename(file, extname(file));
}
