import { makeScene, type SceneFamily, sceneFamilies } from "@pspnet/scenes";
import { type Photograph, photographOfPixels } from "../picture/photograph.js";

/** A made scene that can be chosen. */
export interface Sample {
  readonly family: SceneFamily;
  /** Which of its family. */
  readonly number: number;
}

/** Held out: what the network was trained on is made of other seeds. */
const SEED = 7;
const TITLES: Readonly<Record<SceneFamily, string>> = { street: "Street", shore: "Shore", indoor: "Room" };

/** One scene of each family. */
export function samples(number: number): readonly Sample[] {
  return sceneFamilies.map((family) => ({ family, number }));
}

export function titleOf({ family }: Sample): string {
  return TITLES[family];
}

export function sampleImage({ family, number }: Sample, width: number) {
  return makeScene({ width, height: Math.round((width * 3) / 4), seed: SEED, index: number, family }).image;
}

export function samplePhotograph(sample: Sample): Promise<Photograph> {
  return photographOfPixels(titleOf(sample), sampleImage(sample, 640));
}
