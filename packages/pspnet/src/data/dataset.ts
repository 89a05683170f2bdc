import type { ClassList, Image, LabelMap, Size } from "@pspnet/core";
import { PspnetError } from "@pspnet/core";
import { counted } from "../report/counted.js";
import { areBinary, BINARY_IDS } from "./binaryMasks.js";
import { classesOf } from "./classNames.js";
import type { DataConfig, Listing } from "./format.js";
import { formatOf } from "./formats.js";
import { colourTable, describeIds, idTable, UNKNOWN } from "./ids.js";
import { readImage } from "./images.js";
import { readMask, type StoredMask } from "./masks.js";
import type { DatasetSource, Pair } from "./source.js";
import { heldOutShare, holdOut } from "./split.js";

export interface Sample<Label extends LabelMap | null = LabelMap> {
  /** Names the sample in messages: the image's path below the root. */
  readonly id: string;
  /** As it is stored; turned as its EXIF says where it has no mask, or one that fits only so. */
  readonly image: Image;
  readonly label: Label;
}

export interface Dataset<Label extends LabelMap | null = LabelMap> {
  readonly length: number;
  readonly classes: ClassList;
  readonly source: DatasetSource;
  /**
   * Decodes a sample.
   *
   * @throws PspnetError "data" for a file that cannot be decoded, a mask of another size than its image, and an id that is no class.
   */
  at(index: number): Promise<Sample<Label>>;
}

export interface OpenOptions {
  /** False: opens what can be used, and leaves the rest to `source.problems`. */
  readonly strict?: boolean;
  /** Optional: a sample may have no mask, and its label is null then. Required: that is a problem. */
  readonly labels?: "required" | "optional";
  /** Of the images, as many as the network wants: {@link inputChannels}. Left out, the three of photographs. */
  readonly channels?: number;
}

/** Problems that an error names. */
const NAMED = 5;

/**
 * Opens `split` of a dataset: "train" or "val" as the description names them, or any folder or list file of its own.
 *
 * @throws PspnetError "data" when files are missing, do not pair up, or there are none; "config" for ids that do not fit the classes.
 */
export async function openDataset(
  description: DataConfig,
  split: string,
  options?: OpenOptions & { readonly labels?: "required" },
): Promise<Dataset>;
export async function openDataset(
  description: DataConfig,
  split: string,
  options: OpenOptions,
): Promise<Dataset<LabelMap | null>>;
export async function openDataset(
  description: DataConfig,
  split: string,
  { strict = true, labels = "required", channels = 3 }: OpenOptions = {},
): Promise<Dataset<LabelMap | null>> {
  const { root } = description;
  const share = heldOutShare(description.val);
  const name =
    split === "train" || (split === "val" && share !== null)
      ? description.train
      : split === "val"
        ? description.val
        : split;
  const format = await formatOf(description, name);
  const { notes, ...found } = partOf(await format.open(description, name), split, share);
  const usable = (pair: Pair) => labels === "optional" || pair.mask !== null;
  const pairs = found.pairs.filter(usable);
  const problems = [
    ...found.problems,
    ...found.pairs
      .filter((pair) => !usable(pair))
      .map(({ image }) => `${image} has no mask: it can be predicted, but neither trains nor scores`),
  ];
  if (strict && problems.length > 0) {
    const more = problems.length > NAMED ? [`and ${problems.length - NAMED} more`] : [];
    const lines = [...problems.slice(0, NAMED), ...more].join("\n");
    const layout = `${format.layout(name)}: an image and a mask for each sample of split "${name}"`;
    throw new PspnetError("data", `${root}: expected ${layout}, found:\n${lines}`);
  }
  if (pairs.length === 0 && problems.length === 0) {
    const empty = `the dataset is empty: no images in split "${name}" (format ${format.name})`;
    throw new PspnetError("data", `${root}: ${empty}; expected ${format.layout(name)}`);
  }
  const { classes, colours: palette } = await classesOf(description, found.classes);
  const count = classes.names.length;
  const { ignore } = description;
  const said = description.ids ?? found.ids;
  const binary =
    count === 2 && said === undefined && (await areBinary(pairs.flatMap(({ mask }) => (mask === null ? [] : [mask]))));
  const ids = binary ? BINARY_IDS : said;
  return fromSource({
    pairs,
    problems,
    notes: [
      ...notes,
      ...(binary
        ? [`masks of 0 and 255 alone: 255 is the class ${classes.names[1]}, as if data.ids={0: 0, 255: 1}`]
        : []),
    ],
    classes,
    channels,
    colours: colourTable({ count, palette, ids, ignore }),
    ids: idTable({ count, ids, ignore, usuallyIgnored: found.ignore }),
  });
}

/** The part of a listing that is the split, where some of it is held out: as `share` says, or since it has no splits. */
function partOf(
  listing: Listing,
  split: string,
  share: number | null,
): Listing & { readonly notes: readonly string[] } {
  const divides = share !== null || listing.undivided === true;
  if (!divides || (split !== "train" && split !== "val")) return { ...listing, notes: [] };
  const parts = holdOut(listing.pairs, ({ id }) => id, { share: share ?? undefined });
  const held = `${parts.val.length} of ${counted(listing.pairs.length, "sample")} held out to validate on, by their names`;
  return { ...listing, pairs: parts[split], notes: [share === null ? `no splits there: ${held}` : held] };
}

/** The dataset that a source describes. */
export function fromSource<Label extends LabelMap | null = LabelMap>(source: DatasetSource): Dataset<Label> {
  const { pairs, classes } = source;
  const at = (index: number) => readSample(pairs[index], source) as Promise<Sample<Label>>;
  return { length: pairs.length, classes, source, at };
}

async function readSample(pair: Pair, source: DatasetSource): Promise<Sample<LabelMap | null>> {
  const { id } = pair;
  const [stored, mask] = await Promise.all(readPair(pair, source));
  if (mask === null) return { id, image: stored, label: null };
  const image = await turnedToFit(stored, mask, { pair, source });
  if (!sameSize(image, mask)) {
    const mend = "`pspnet data check` lists all such pairs";
    throw new PspnetError("data", `${wrongSize(image, mask, pair)}; ${mend}`);
  }
  const { width, height } = mask;
  return { id, image, label: { width, height, data: labelsOf(mask, { path: pair.mask, source }) } };
}

/** The image and the mask of a pair; an image without one is turned as its EXIF says, as for prediction. */
export function readPair(
  { image, mask }: Pair,
  { colours, channels }: DatasetSource,
): readonly [Promise<Image>, Promise<StoredMask> | null] {
  return [readImage(image, { orient: mask === null, channels }), mask === null ? null : readMask(mask, { colours })];
}

/** The image as it is stored, or turned as its EXIF says when the mask fits only so. */
export async function turnedToFit(
  stored: Image,
  mask: Size,
  { pair, source: { channels } }: { readonly pair: Pair; readonly source: DatasetSource },
): Promise<Image> {
  const swapped = { width: stored.height, height: stored.width };
  const turned = !sameSize(stored, mask) && sameSize(swapped, mask);
  return turned ? readImage(pair.image, { orient: true, channels }) : stored;
}

export const sameSize = (a: Size, b: Size): boolean => a.width === b.width && a.height === b.height;

export function wrongSize(image: Size, mask: Size, pair: Pair): string {
  const sizes = `${image.height}x${image.width} as ${pair.image}, found ${mask.height}x${mask.width}`;
  return `${pair.mask}: expected a mask of ${sizes}`;
}

function labelsOf(
  { data, kind }: StoredMask,
  { path, source }: { readonly path: string | null; readonly source: DatasetSource },
): Uint8Array {
  if (kind === "colours") return data;
  const { ids } = source;
  const labels = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const label = ids[data[i]];
    if (label === UNKNOWN) {
      const pixels = data.reduce((count, id) => count + (id === data[i] ? 1 : 0), 0);
      const expected = `expected ids ${describeIds(ids)}, found id ${data[i]} in ${counted(pixels, "pixel")}`;
      throw new PspnetError("data", `${path}: ${expected}; ${ID_MEND}`);
    }
    labels[i] = label;
  }
  return labels;
}

/** What mends ids that are no class. */
export const ID_MEND =
  "mend the mask, name all classes by data.classes, or say by data.ids which class an id is, by data.ignore which is none (val and data check take the config.yaml of a run, which says so, in place of a folder)";
