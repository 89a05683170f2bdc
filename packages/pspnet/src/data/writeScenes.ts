import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { mixSeed, PspnetError } from "@pspnet/core";
import { makeScene, sceneClasses } from "@pspnet/scenes";
import { makeFolder } from "../files/makeFolder.js";
import { encodeMask, encodePng } from "../files/png.js";
import { writeError } from "../files/writeError.js";

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
    for (const place of [images, masks]) await makeFolder(place).catch(failed(place, 0));
    for (let index = 0; index < length; index++) {
      const { image, label } = makeScene({ width, height, seed: splitSeed(seed, split), index });
      const name = `${String(index).padStart(5, "0")}.png`;
      await Promise.all([
        write(join(images, name), await encodePng(image)),
        write(join(masks, name), encodeMask(label, sceneClasses.palette)),
      ]);
      onProgress(++done, total);
    }
  }
  await write(join(folder, "classes.json"), `${JSON.stringify(sceneClasses, null, 2)}\n`);
}

async function write(path: string, content: Uint8Array | string): Promise<void> {
  await writeFile(path, content).catch(failed(path, content.length));
}

/** Says what could not be written. */
function failed(path: string, needed: number): (cause: NodeJS.ErrnoException) => Promise<never> {
  return async (cause) => {
    throw await writeError(cause, { path, needed, kept: "the scenes before are kept" });
  };
}
