import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { type ClassList, type Normalisation, PspnetError } from "@pspnet/core";
import { readNifti, type Volume } from "../../files/nifti.js";
import type { IdMap } from "../ids.js";
import type { Pair } from "../source.js";
import { holdOut } from "../split.js";
import { filesBelow } from "./findFiles.js";
import type { Download, Preparation } from "./preparation.js";

/** The channels of a slice's picture: what a PNG calls red, green, blue and alpha. */
const MODALITIES = ["t1ce", "t2", "flair", "t1"];

const CLASSES: ClassList = {
  names: ["background", "necrotic and non-enhancing core", "oedema", "enhancing tumour"],
  palette: [
    [0, 0, 0],
    [220, 60, 60],
    [60, 180, 90],
    [240, 210, 60],
  ],
};
const IDS: IdMap = { "0-2": "0-2", 4: 3 };

/** Share of a slice that is brain at least. */
const LEAST_BRAIN = 0.01;
/** Shares of the brain's voxels that are below black and above white. */
const [DARKEST, BRIGHTEST] = [0.01, 0.99];

/** BraTS 2017: the axial slices of each patient's volumes as pictures of four channels; whole patients are held out. */
export const brats2017: Preparation = {
  name: "brats2017",
  title: "BraTS 2017, slices of four modalities",
  layout:
    "a folder for each of 285 patients with *_t1.nii.gz, *_t1ce.nii.gz, *_t2.nii.gz, *_flair.nii.gz and *_seg.nii.gz",
  async read({ folder, seed, out }) {
    const segmentations = await filesBelow(folder, "**/*_seg.{nii,nii.gz}");
    const patients: Patient[] = [];
    const problems = await out.each(segmentations, "patients", async (file) => {
      const [, id, end] = /([^/]+)_seg(\.nii(?:\.gz)?)$/.exec(file)!;
      const segmentation = join(folder, file);
      const { slices, sums } = await slicesOf(out, { id, segmentation, end });
      const picture = (slice: string) => join(out.path, "images", id, `${slice}.png`);
      const mask = (slice: string) => join(out.path, "masks", id, `${slice}.png`);
      patients.push({
        id,
        sums,
        pairs: slices.map((slice) => ({ id: `${id}/${slice}`, image: picture(slice), mask: mask(slice) })),
      });
    });
    const { train, val } = holdOut(patients, ({ id }) => id, { seed });
    const input = normalisationOf(train.map(({ sums }) => sums));
    return {
      splits: { train: train.flatMap(({ pairs }) => pairs), val: val.flatMap(({ pairs }) => pairs) },
      classes: CLASSES,
      ids: IDS,
      ...(input && { input }),
      problems,
      notes: [
        `${patients.length} patients (285 published), ${val.length} of them held out, seed ${seed}`,
        `pictures of ${MODALITIES.join(", ")} as red, green, blue and alpha, four channels to train on`,
        ...(input
          ? [`model.input: mean ${input.mean.join(", ")} and std ${input.std.join(", ")} of the training slices`]
          : []),
      ],
    };
  },
};

interface Patient extends Pick<Slices, "sums"> {
  readonly id: string;
  readonly pairs: readonly Pair[];
}

/** The slices of a patient that are there as pictures. */
interface Slices {
  readonly slices: readonly string[];
  readonly sums: Sums;
}

/** Of values from 0 to 1, and of each channel. */
interface Sums {
  readonly pixels: number;
  readonly values: readonly number[];
  readonly squares: readonly number[];
}

/** Mean and deviation of each channel over all pixels, to four digits; null where there are none. */
function normalisationOf(parts: readonly Sums[]): Pick<Normalisation, "mean" | "std"> | null {
  const pixels = total(parts, (part) => part.pixels);
  if (pixels === 0) return null;
  const moments = MODALITIES.map((_, c) => {
    const mean = total(parts, ({ values }) => values[c]) / pixels;
    const variance = total(parts, ({ squares }) => squares[c]) / pixels - mean ** 2;
    // Of a channel that is the same everywhere, one step of its bytes.
    return { mean, std: Math.max(Math.sqrt(Math.max(variance, 0)), 1 / 255) };
  });
  const rounded = (value: number) => Number(value.toFixed(4));
  return { mean: moments.map(({ mean }) => rounded(mean)), std: moments.map(({ std }) => rounded(std)) };
}

function total<T>(parts: readonly T[], of: (part: T) => number): number {
  return parts.reduce((sum, part) => sum + of(part), 0);
}

/** The slices that show brain, whose pictures and masks are made unless a record of them says that they were. */
async function slicesOf(
  out: Download["out"],
  { id, segmentation, end }: { readonly id: string; readonly segmentation: string; readonly end: string },
): Promise<Slices> {
  const record = join("slices", `${id}.json`);
  const before = (await out.isMade(record, segmentation)) ? await readRecord(join(out.path, record)) : null;
  if (before) return before;
  const labels = await load(segmentation);
  const channels: Volume[] = [];
  for (const modality of MODALITIES)
    channels.push(await load(`${segmentation.slice(0, -`_seg${end}`.length)}_${modality}${end}`));
  const odd = channels.find(({ sides }) => sides.join() !== labels.sides.join());
  if (odd)
    throw new PspnetError(
      "data",
      `${segmentation}: expected ${odd.sides.join("x")} as ${id}'s other volumes, found ${labels.sides.join("x")}`,
    );
  const { encode } = await import("fast-png");
  const [width, height, depth] = labels.sides;
  const plane = width * height;
  const scaled = channels.map(({ values }) => toBytes(values));
  const slices: string[] = [];
  const histograms = MODALITIES.map(() => new Float64Array(256));
  for (let z = 0; z < depth; z++) {
    const data = Uint8Array.from({ length: 4 * plane }, (_, i) => scaled[i % 4][z * plane + (i >> 2)]);
    const brain = data.reduce((count, value, i) => count + (i % 4 === 0 && value > 0 ? 1 : 0), 0);
    if (brain < LEAST_BRAIN * plane) continue;
    const slice = String(z).padStart(3, "0");
    await out.write(join("images", id, `${slice}.png`), encode({ width, height, data, channels: 4, depth: 8 }));
    const ids = Uint8Array.from(labels.values.subarray(z * plane, (z + 1) * plane));
    await out.write(join("masks", id, `${slice}.png`), encode({ width, height, data: ids, channels: 1, depth: 8 }));
    slices.push(slice);
    for (const [c, histogram] of histograms.entries()) for (let i = c; i < data.length; i += 4) histogram[data[i]]++;
  }
  const moment = (power: number) =>
    histograms.map((counts) => counts.reduce((sum, count, value) => sum + count * (value / 255) ** power, 0));
  const made: Slices = { slices, sums: { pixels: plane * slices.length, values: moment(1), squares: moment(2) } };
  await out.write(record, JSON.stringify(made));
  return made;
}

/** What was made of a patient; null for a file that does not tell. */
async function readRecord(file: string): Promise<Slices | null> {
  try {
    const { slices, sums } = JSON.parse(await readFile(file, "utf8"));
    const numbers = [sums.pixels, ...sums.values, ...sums.squares];
    const whole = slices.every((slice: unknown) => typeof slice === "string") && numbers.every(Number.isFinite);
    return whole && numbers.length === 1 + 2 * MODALITIES.length ? { slices, sums } : null;
  } catch {
    return null;
  }
}

async function load(path: string): Promise<Volume> {
  if (!existsSync(path))
    throw new PspnetError(
      "data",
      `${path}: expected a volume beside ${basename(path).replace(/_[^_]*$/, "")}'s others, found none`,
    );
  return readNifti(await readFile(path), path);
}

/** Brain as 1 to 255, between its darkest and brightest voxels but a few; 0 where there is none. */
function toBytes(values: Float32Array): Uint8Array {
  const brain = values.filter((value) => value !== 0).sort();
  const low = brain[Math.floor(DARKEST * (brain.length - 1))] ?? 0;
  const high = brain[Math.ceil(BRIGHTEST * (brain.length - 1))] ?? 1;
  const scale = high > low ? 254 / (high - low) : 0;
  return Uint8Array.from(values, (value) =>
    value === 0 ? 0 : 1 + Math.round(Math.min(Math.max((value - low) * scale, 0), 254)),
  );
}
