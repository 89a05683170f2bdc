import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { type ClassList, PspnetError } from "@pspnet/core";
import { readNifti, type Volume } from "../../files/nifti.js";
import type { IdMap } from "../ids.js";
import type { Pair } from "../source.js";
import { holdOut } from "../split.js";
import { filesBelow, readLines } from "./findFiles.js";
import type { Download, Preparation } from "./preparation.js";

/** What a slice's picture has as red, green, blue and alpha. */
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
    const patients: { readonly id: string; readonly pairs: readonly Pair[] }[] = [];
    const problems = await out.each(segmentations, "patients", async (file) => {
      const [, id, end] = /([^/]+)_seg(\.nii(?:\.gz)?)$/.exec(file)!;
      const segmentation = join(folder, file);
      const slices = await slicesOf(out, { id, segmentation, end });
      const picture = (slice: string) => join(out.path, "images", id, `${slice}.png`);
      const mask = (slice: string) => join(out.path, "masks", id, `${slice}.png`);
      patients.push({
        id,
        pairs: slices.map((slice) => ({ id: `${id}/${slice}`, image: picture(slice), mask: mask(slice) })),
      });
    });
    const { train, val } = holdOut(patients, ({ id }) => id, { seed });
    return {
      splits: { train: train.flatMap(({ pairs }) => pairs), val: val.flatMap(({ pairs }) => pairs) },
      classes: CLASSES,
      ids: IDS,
      problems,
      notes: [
        `${patients.length} patients (285 published), ${val.length} of them held out, seed ${seed}`,
        `pictures of ${MODALITIES.join(", ")} as red, green, blue and alpha; training reads the first three`,
      ],
    };
  },
};

/** The slices that show brain, whose pictures and masks are made unless a list of them says that they were. */
async function slicesOf(
  out: Download["out"],
  { id, segmentation, end }: { readonly id: string; readonly segmentation: string; readonly end: string },
): Promise<readonly string[]> {
  const list = join("slices", `${id}.txt`);
  if (await out.isMade(list, segmentation)) return (await readLines(join(out.path, list))) ?? [];
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
  const made: string[] = [];
  for (let z = 0; z < depth; z++) {
    const data = Uint8Array.from({ length: 4 * plane }, (_, i) => scaled[i % 4][z * plane + (i >> 2)]);
    const brain = data.reduce((count, value, i) => count + (i % 4 === 0 && value > 0 ? 1 : 0), 0);
    if (brain < LEAST_BRAIN * plane) continue;
    const slice = String(z).padStart(3, "0");
    await out.write(join("images", id, `${slice}.png`), encode({ width, height, data, channels: 4, depth: 8 }));
    const ids = Uint8Array.from(labels.values.subarray(z * plane, (z + 1) * plane));
    await out.write(join("masks", id, `${slice}.png`), encode({ width, height, data: ids, channels: 1, depth: 8 }));
    made.push(slice);
  }
  await out.write(list, made.map((slice) => `${slice}\n`).join(""));
  return made;
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
