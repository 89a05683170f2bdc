import { IGNORE, type LabelMap, PspnetError, type Size } from "@pspnet/core";
import { counted } from "../report/counted.js";
import { percent, table } from "../report/table.js";
import { type Dataset, ID_MEND, readPair, sameSize, turnedToFit, wrongSize } from "./dataset.js";
import { UNKNOWN } from "./ids.js";
import { liesOnItsSide } from "./images.js";
import { readMask, type StoredMask } from "./masks.js";
import { epochOrder } from "./sampler.js";
import type { DatasetSource, Pair } from "./source.js";

/** What a dataset holds, and what in it would stop or spoil a run. */
export interface CheckReport {
  readonly samples: number;
  readonly classes: readonly {
    readonly id: number;
    readonly name: string;
    readonly pixels: number;
    readonly images: number;
  }[];
  readonly ignoredPixels: number;
  /** Sizes of the images, the most frequent first. */
  readonly sizes: readonly (Size & { readonly images: number })[];
  /** Masks that are palette PNGs: read by their indices. */
  readonly paletteMasks: number;
  /** Masks that hold the classes' colours. */
  readonly colourMasks: number;
  /** Images without a mask. */
  readonly unlabelled: number;
  /** Photographs that are turned as their EXIF says, since their masks fit only so. */
  readonly turned: number;
  /** Photographs that lie on their side by their EXIF, as do their masks. */
  readonly lying: number;
  /** Ids in masks that are no class. */
  readonly unknownIds: readonly number[];
  /** What was found out about the masks when the dataset was opened. */
  readonly notes: readonly string[];
  /** One line for each broken or missing file, file without a partner, size mismatch, id out of range, and thing that labels lack. */
  readonly problems: readonly string[];
  /** Classes that no mask has. */
  readonly emptyClasses: readonly string[];
}

/** Reads every sample of a dataset; nothing stops it. Open the dataset with `strict: false` to see missing files too. */
export async function checkDataset(
  dataset: Dataset<LabelMap | null>,
  { onProgress }: { readonly onProgress?: (done: number) => void } = {},
): Promise<CheckReport> {
  const { source, classes } = dataset;
  const pixels = new Float64Array(256);
  const images = new Float64Array(classes.names.length);
  const sizes = new Map<string, CheckReport["sizes"][number]>();
  const problems: string[] = [...source.problems];
  const unknownIds = new Set<number>();
  const counts: Kinds = { palette: 0, colours: 0, grey: 0, turned: 0, lying: 0 };
  for (const [i, pair] of source.pairs.entries()) {
    const found = await inspect(pair, { source, problems });
    if (found) {
      const { width, height } = found.size;
      const { images: before } = sizes.get(`${width}x${height}`) ?? { images: 0 };
      sizes.set(`${width}x${height}`, { width, height, images: before + 1 });
      for (const key of found.is) counts[key]++;
      for (const id of found.unknownIds) unknownIds.add(id);
      for (const [id, count] of found.labels.entries()) {
        pixels[id] += count;
        if (count > 0 && id < images.length) images[id]++;
      }
    }
    onProgress?.(i + 1);
  }
  const table = classes.names.map((name, id) => ({ id, name, pixels: pixels[id], images: images[id] }));
  const labelled = counts.palette + counts.colours + counts.grey > 0;
  if (labelled) problems.push(...labelProblems(table, pixels[IGNORE]));
  return {
    samples: source.pairs.length,
    classes: table,
    ignoredPixels: pixels[IGNORE],
    sizes: [...sizes.values()].sort((a, b) => b.images - a.images),
    paletteMasks: counts.palette,
    colourMasks: counts.colours,
    unlabelled: source.pairs.filter(({ mask }) => mask === null).length,
    turned: counts.turned,
    lying: counts.lying,
    unknownIds: [...unknownIds].sort((a, b) => a - b),
    notes: source.notes,
    problems,
    emptyClasses: table.filter(({ pixels }) => pixels === 0).map(({ name }) => name),
  };
}

type Kinds = Record<StoredMask["kind"] | "turned" | "lying", number>;

interface Inspected {
  /** Of the image. */
  readonly size: Size;
  readonly is: readonly (keyof Kinds)[];
  /** Pixels by class. */
  readonly labels: Float64Array;
  readonly unknownIds: readonly number[];
}

/** What a pair holds; null, with a line in `problems`, when image or mask cannot be read. */
async function inspect(
  pair: Pair,
  { source, problems }: { readonly source: DatasetSource; readonly problems: string[] },
): Promise<Inspected | null> {
  const [image, mask] = await Promise.allSettled(readPair(pair, source));
  for (const part of [image, mask]) {
    if (part.status === "rejected")
      problems.push(part.reason instanceof PspnetError ? part.reason.message : String(part.reason));
  }
  if (image.status === "rejected" || mask.status === "rejected") return null;
  const stored = image.value;
  if (mask.value === null) return { size: stored, is: [], labels: new Float64Array(256), unknownIds: [] };
  const fitting = await turnedToFit(stored, mask.value, { pair, source });
  const { labels, unknownIds } = countClasses(mask.value, { pair, source, problems });
  const is: (keyof Kinds)[] = [mask.value.kind];
  if (!sameSize(fitting, mask.value)) problems.push(wrongSize(fitting, mask.value, pair));
  else if (fitting !== stored) is.push("turned");
  else if (await liesOnItsSide(pair.image)) is.push("lying");
  return { size: fitting, is, labels, unknownIds };
}

/** Pixels by class of one mask; ids that are no class go to `problems`. */
export function countClasses(
  { data, kind }: StoredMask,
  { pair, source, problems }: { pair: Pair; source: DatasetSource; problems: string[] },
): Pick<Inspected, "labels" | "unknownIds"> {
  const histogram = new Uint32Array(256);
  for (const id of data) histogram[id]++;
  const labels = new Float64Array(256);
  const unknownIds: number[] = [];
  for (const [id, count] of histogram.entries()) {
    if (count === 0) continue;
    const label = kind === "colours" ? id : source.ids[id];
    if (label === UNKNOWN) {
      unknownIds.push(id);
      problems.push(
        `${pair.mask}: id ${id} in ${counted(count, "pixel")} is none of the ${source.classes.names.length} classes`,
      );
    } else labels[label] += count;
  }
  return { labels, unknownIds };
}

const UPRIGHT = "`predict` will show the network upright ones; turn both";

/** What is worth knowing before a run though it stops none, a line each. */
function notesOf(report: CheckReport): string[] {
  const { paletteMasks, colourMasks, unlabelled, turned, lying, unknownIds } = report;
  return [
    ...report.notes,
    paletteMasks > 0 ? `${counted(paletteMasks, "palette PNG")} among the masks: the indices are the ids` : [],
    colourMasks > 0 ? `${counted(colourMasks, "mask")} of colours: those of the classes stand for them` : [],
    unlabelled > 0
      ? `${counted(unlabelled, "image")} without a mask: to be predicted, but neither to train nor to score`
      : [],
    turned > 0 ? `${counted(turned, "photograph")} turned as EXIF says: masks fit only so` : [],
    lying > 0
      ? `${counted(lying, "photograph")} on the side, as the masks are, though EXIF turns them: ${UPRIGHT}`
      : [],
    unknownIds.length > 0 ? `no class has id ${unknownIds.join(", ")}: ${ID_MEND}` : [],
  ].flat();
}

/** Share of the pixels above which too much is ignored. */
const MOSTLY = 0.5;

/** What in the labels would spoil a run, a line each, with the key that mends it. */
function labelProblems(
  classes: readonly { readonly name: string; readonly pixels: number }[],
  ignoredPixels: number,
): string[] {
  const all = classes.reduce((sum, { pixels }) => sum + pixels, ignoredPixels);
  const empty = classes.filter(({ pixels }) => pixels === 0).map(({ name }) => name);
  const share = `${percent(ignoredPixels / all)} % of the pixels are ignored`;
  const example = "for example {0: 0, 255: 1}";
  const perhaps = ignoredPixels > 0 ? `, perhaps of what is ignored (${share}), ${example}` : "";
  return [
    ignoredPixels > MOSTLY * all
      ? `${share}, neither trained nor scored; if they are of a class, data.ids says which, ${example}`
      : [],
    empty.length > 0
      ? `no pixel of: ${empty.join(", ")}; data.ids says which ids are a class's${perhaps}; data.classes need not name what there is none of`
      : [],
  ].flat();
}

/** Masks that {@link lookAtLabels} reads at least. */
const FEWEST = 32;

/**
 * What in a dataset's labels would spoil a run, as {@link checkDataset} says it, but quickly: masks from all over it are read until every
 * class was seen, and no more once they have `most` pixels. One that cannot be read is passed over: whoever needs it says so.
 */
export async function lookAtLabels(
  { source, classes, length }: Dataset,
  { signal, most = 2 ** 27 }: { readonly signal?: AbortSignal; readonly most?: number } = {},
): Promise<string[]> {
  const pixels = new Float64Array(256);
  let masks = 0;
  let seen = 0;
  let broken = 0;
  for (const index of epochOrder({ length, seed: 0, epoch: 0 })) {
    const complete = masks >= FEWEST && classes.names.every((_, id) => pixels[id] > 0);
    if (complete || seen >= most || signal?.aborted) break;
    const pair = source.pairs[index];
    const mask = await readMask(pair.mask!, { colours: source.colours }).catch(() => null);
    masks++;
    if (mask === null) {
      broken++;
      continue;
    }
    seen += mask.data.length;
    const { labels } = countClasses(mask, { pair, source, problems: [] });
    for (const [id, count] of labels.entries()) pixels[id] += count;
  }
  const part = masks < length ? ` (in ${masks} of ${length} masks; \`pspnet data check\` reads all)` : "";
  const notes = labelProblems(
    classes.names.map((name, id) => ({ name, pixels: pixels[id] })),
    pixels[IGNORE],
  );
  // Masks that cannot be read say so themselves, and what they lack is not their classes.
  return signal?.aborted || broken === masks ? [] : [...source.notes, ...notes.map((note) => note + part)];
}

/** The report as plain text. */
export function formatCheckReport(report: CheckReport): string {
  const { classes, ignoredPixels, sizes, problems, samples } = report;
  const total = classes.reduce((sum, { pixels }) => sum + pixels, ignoredPixels) || 1;
  const rows = classes.map(({ id, name, pixels, images }) => [
    String(id),
    name,
    percent(pixels / total),
    String(images),
  ]);
  const shown = sizes.slice(0, 3).map(({ width, height, images }) => `${height}x${width} (${images})`);
  return [
    table(
      ["id", "class", "pixels %", "images"],
      [...rows, [String(IGNORE), "ignored", percent(ignoredPixels / total), ""]],
    ),
    `${counted(samples, "sample")}; sizes ${shown.join(", ") || "none"}${sizes.length > 3 ? ` and ${sizes.length - 3} more` : ""}`,
    ...notesOf(report),
    problems.length === 0
      ? "no problems"
      : `${counted(problems.length, "problem")}:\n${problems.map((line) => `  ${line}`).join("\n")}`,
  ].join("\n");
}
