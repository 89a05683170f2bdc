import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { mixSeed, PspnetError } from "@pspnet/core";
import { encode } from "fast-png";
import sharp from "sharp";
import { sceneClasses } from "./classes.js";
import { makeScene, type Scene } from "./scene.js";

/** The parts of a set of scenes, which share no scene. */
export type SceneSplit = "train" | "val";

/** Which scenes to write, and where. */
export interface SceneSetOptions {
  readonly folder: string;
  /** Number of scenes to train on. */
  readonly train: number;
  /** Number of scenes held out. */
  readonly val: number;
  readonly width: number;
  readonly height: number;
  readonly seed: number;
}

/** The seed of one split of a set: more training scenes leave the held-out ones as they are. */
export function splitSeed(seed: number, split: SceneSplit): number {
  return mixSeed(seed, split === "train" ? 1 : 2);
}

/**
 * Writes a set of scenes as image and mask folders: `train/images/00000.png`, `train/masks/00000.png` (index PNG with the
 * palette), the same under `val`, and `classes.json` with the names and the palette.
 *
 * @param onProgress called after each scene with how many are written and how many there will be.
 * @throws PspnetError "usage" for a size or a count that cannot be; "environment" when a file cannot be written.
 */
export async function writeScenes(
  options: SceneSetOptions,
  { onProgress = () => {} }: { readonly onProgress?: (done: number, total: number) => void } = {},
): Promise<void> {
  const { folder, width, height, seed } = options;
  const total = options.train + options.val;
  let done = 0;
  for (const split of ["train", "val"] as const) {
    const length = options[split];
    if (!Number.isInteger(length) || length < 0) {
      throw new PspnetError(
        "usage",
        `writeScenes: expected a count of scenes for ${split}, found ${length}; give 0 or more`,
      );
    }
    const images = join(folder, split, "images");
    const masks = join(folder, split, "masks");
    await writing(images, async () => void (await mkdir(images, { recursive: true })));
    await writing(masks, async () => void (await mkdir(masks, { recursive: true })));
    for (let index = 0; index < length; index++) {
      const scene = makeScene({ width, height, seed: splitSeed(seed, split), index });
      const name = `${String(index).padStart(5, "0")}.png`;
      await Promise.all([writeImage(join(images, name), scene), writeMask(join(masks, name), scene)]);
      onProgress(++done, total);
    }
  }
  const classes = join(folder, "classes.json");
  await writing(classes, () => writeFile(classes, `${JSON.stringify(sceneClasses, null, 2)}\n`));
}

function writeImage(path: string, { image: { width, height, data } }: Scene): Promise<void> {
  return writing(path, async () => {
    const png = await sharp(data, { raw: { width, height, channels: 3 } })
      .png({ compressionLevel: 4 })
      .toBuffer();
    await writeFile(path, png);
  });
}

function writeMask(path: string, { label: { width, height, data } }: Scene): Promise<void> {
  const palette = sceneClasses.palette.map((color) => [...color]);
  return writing(path, () => writeFile(path, encode({ width, height, data, depth: 8, channels: 1, palette })));
}

/** Runs `write` and names `path` when it fails. */
async function writing(path: string, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PspnetError(
      "environment",
      `writeScenes: cannot write ${path}: ${reason}; give a folder with room to write to`,
      {
        cause: error,
      },
    );
  }
}
