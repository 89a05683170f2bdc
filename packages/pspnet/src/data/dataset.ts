import type { ClassList, LabelMap, RgbImage } from "@pspnet/core";
import { IGNORE, PspnetError } from "@pspnet/core";
import type { DataConfig } from "../config/schema.js";
import { detectFormat, formats } from "./formats.js";
import { readImage } from "./images.js";
import { readMask } from "./masks.js";
import { type DatasetSource, type Pair, UNKNOWN } from "./source.js";

export interface Sample {
  /** Names the sample in messages: the image's path below the root. */
  readonly id: string;
  readonly image: RgbImage;
  readonly label: LabelMap;
}

export interface Dataset {
  readonly length: number;
  readonly classes: ClassList;
  readonly source: DatasetSource;
  /**
   * Decodes a sample.
   *
   * @throws PspnetError "data" for a file that cannot be decoded, a mask of another size than its image, and an id that is no class.
   */
  at(index: number): Promise<Sample>;
}

export interface OpenOptions {
  /** False: opens what can be used, and leaves the rest to `source.problems`. */
  readonly strict?: boolean;
}

/** Problems that an error names. */
const NAMED = 5;

/**
 * Opens `split` of a dataset: "train" or "val" as the description names them, or any folder or list file of its own.
 *
 * @throws PspnetError "data" when files are missing, do not pair up, or there are none.
 */
export async function openDataset(
  description: DataConfig,
  split: string,
  { strict = true }: OpenOptions = {},
): Promise<Dataset> {
  const format = description.format === "auto" ? detectFormat(description) : description.format;
  const name = split === "train" ? description.train : split === "val" ? description.val : split;
  const source = await formats[format](description, name);
  const { problems } = source;
  if (strict && problems.length > 0) {
    const more = problems.length > NAMED ? [`and ${problems.length - NAMED} more`] : [];
    const lines = [...problems.slice(0, NAMED), ...more].join("\n");
    throw new PspnetError(
      "data",
      `${description.root}: expected an image and a mask for each sample of split "${name}", found:\n${lines}`,
    );
  }
  if (source.pairs.length === 0 && problems.length === 0) {
    throw new PspnetError(
      "data",
      `${description.root}: the dataset is empty: no images in split "${name}" (format ${format})`,
    );
  }
  return fromSource(source);
}

/** The dataset that a source describes. */
export function fromSource(source: DatasetSource): Dataset {
  const { pairs, classes } = source;
  return { length: pairs.length, classes, source, at: (index) => readSample(pairs[index], source) };
}

async function readSample(
  { id, image: imagePath, mask: maskPath }: Pair,
  { classes, ids }: DatasetSource,
): Promise<Sample> {
  const [image, mask] = await Promise.all([readImage(imagePath), readMask(maskPath)]);
  if (image.width !== mask.width || image.height !== mask.height) {
    const sizes = `${image.width}x${image.height} as ${imagePath}, found ${mask.width}x${mask.height}`;
    throw new PspnetError(
      "data",
      `${maskPath}: expected a mask of ${sizes}; \`pspnet data check\` lists all such pairs`,
    );
  }
  return {
    id,
    image,
    label: { width: mask.width, height: mask.height, data: classesOf(mask.data, ids, { path: maskPath, classes }) },
  };
}

function classesOf(
  raw: Uint8Array,
  ids: Uint16Array,
  { path, classes }: { path: string; classes: ClassList },
): Uint8Array {
  const labels = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) {
    const label = ids[raw[i]];
    if (label === UNKNOWN) {
      const pixels = raw.reduce((count, id) => count + (id === raw[i] ? 1 : 0), 0);
      const expected = `ids 0 to ${classes.names.length - 1}, or ${IGNORE} for none`;
      throw new PspnetError(
        "data",
        `${path}: expected ${expected}, found id ${raw[i]} in ${pixels} pixels; mend the mask, or name all classes by data.classes`,
      );
    }
    labels[i] = label;
  }
  return labels;
}
