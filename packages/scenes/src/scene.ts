import type { LabelMap, Random, Rgb, RgbImage } from "@pspnet/core";
import { PspnetError } from "@pspnet/core/error";
import { random } from "@pspnet/core/random";
import { type Canvas, createCanvas } from "./canvas.js";
import { photograph } from "./finish.js";
import { paintIndoor } from "./indoor.js";
import { paintShore } from "./shore.js";
import { paintStreet } from "./street.js";

/** The kinds of scenes. */
export type SceneFamily = "street" | "shore" | "indoor";

/** The families in the order in which the indices go through them. */
export const sceneFamilies: readonly SceneFamily[] = ["street", "shore", "indoor"];

/** Which scene to make. */
export interface SceneOptions {
  /** Pixels, at least 32. */
  readonly width: number;
  readonly height: number;
  readonly seed: number;
  /** Number of the scene among those of the seed. */
  readonly index: number;
  /** By default the index decides: street, shore, indoor, street, ... */
  readonly family?: SceneFamily;
}

/** A made picture and the class of each of its pixels (`sceneClasses`). */
export interface Scene {
  readonly image: RgbImage;
  readonly label: LabelMap;
  readonly family: SceneFamily;
}

const painters: Record<SceneFamily, (canvas: Canvas, generator: Random) => { readonly tint: Rgb }> = {
  street: paintStreet,
  shore: paintShore,
  indoor: paintIndoor,
};

/** The smallest side at which the scenes' small things are still seen. */
const smallestSide = 32;

/**
 * Makes a scene with its exact labels. The same options give the same scene on every machine; the same scene in another
 * size of the same shape shows the same things.
 *
 * @throws PspnetError "usage" when a side is not an integer of at least 32, or the index none of at least 0.
 */
export function makeScene({ width, height, seed, index, family }: SceneOptions): Scene {
  checkOptions({ width, height, index });
  const chosen = family ?? sceneFamilies[index % sceneFamilies.length];
  const generator = random(seed, index, sceneFamilies.indexOf(chosen));
  const canvas = createCanvas(width, height);
  const { tint } = painters[chosen](canvas, generator);
  const data = photograph(canvas, generator, tint);
  return { image: { width, height, data }, label: { width, height, data: canvas.label }, family: chosen };
}

function checkOptions({ width, height, index }: Pick<SceneOptions, "width" | "height" | "index">): void {
  if (!Number.isInteger(width) || !Number.isInteger(height) || Math.min(width, height) < smallestSide) {
    throw new PspnetError(
      "usage",
      `makeScene: expected a height and width of at least ${smallestSide} whole pixels, found ${height}x${width}; ask for a larger scene`,
    );
  }
  if (!Number.isInteger(index) || index < 0) {
    throw new PspnetError(
      "usage",
      `makeScene: expected index to be an integer of at least 0, found ${index}; count from 0`,
    );
  }
}
