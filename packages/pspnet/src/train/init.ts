import { basename } from "node:path";
import {
  type Backend,
  checkFinite,
  type ForeignCheckpoint,
  loadStateDict,
  type PartName,
  type PSPNet,
  PspnetError,
  partOf,
} from "@pspnet/core";
import { readForeign } from "../files/readForeign.js";
import type { PullOptions } from "../pull/pull.js";
import { weightsFile } from "../pull/weightsFile.js";
import { counted } from "../report/counted.js";
import { differencesFrom, foundIn, misfitOf, nameOf, strideNote, unlikeAny } from "./initMisfit.js";
import { withStemFor } from "./initStem.js";

export interface InitOptions extends Pick<PullOptions, "signal" | "stream"> {
  readonly backend: Backend;
  /** Leaves the file's head. */
  readonly newHead: boolean;
}

/**
 * Loads what a run starts from, a file or published weights by their name: the weights of a whole PSPNet, or of the backbone when
 * the file has no head or a new one is asked for; for other channels than a photograph's as {@link withStemFor} makes them. Returns what was
 * loaded, what begins afresh, what became of the first convolution, and another output stride, in a line.
 *
 * @throws PspnetError "weights" for a file that cannot be read, holds numbers that are not finite, or does not fit, and for one
 * whose description is of another network: what it is, and the keys that would make it fit.
 */
export async function loadInit(
  model: PSPNet,
  file: string,
  { backend, newHead, ...pulling }: InitOptions,
): Promise<string> {
  const found = await readInit(file, pulling);
  const theirs = foundIn(found, file);
  const { state, how } = withStemFor(model, { state: theirs?.state ?? found.state, input: theirs?.config.input });
  const whole = [...state.keys()].some((name) => partOf(name) === "head");
  const withHead = whole && !newHead;
  const present = presentParts(model);
  const loaded: readonly PartName[] = withHead ? present : ["backbone"];
  const different = theirs ? differencesFrom(theirs, model.config, { withHead }) : [];
  if (theirs?.sure && different.length > 0) throw misfitOf(file, theirs, different);
  try {
    loadStateDict(model, state, { backend, keep: (name) => !loaded.includes(partOf(name)) });
  } catch (cause) {
    if (!(cause instanceof PspnetError)) throw cause;
    throw theirs && different.length > 0 ? misfitOf(file, theirs, different) : unlikeAny(file, model.config, cause);
  }
  const notes = [how, theirs && strideNote(theirs, model.config)].filter(Boolean);
  return [summary(model, basename(file), loaded), ...notes].join("; ");
}

function presentParts({ ppm, aux }: PSPNet): PartName[] {
  return ["backbone", ...(ppm ? (["pyramid"] as const) : []), "head", ...(aux ? (["auxiliary"] as const) : [])];
}

function summary(model: PSPNet, file: string, loaded: readonly PartName[]): string {
  const names = [...model.stateDict().keys()];
  const counts = loaded.map((part) => [names.filter((name) => partOf(name) === part).length, part] as const);
  const [[tensors], ...heads] = counts;
  const what = `${counted(tensors, "tensor")} of the backbone (${nameOf(model.config.backbone)})`;
  const all = [what, ...heads.map(([count, part]) => `${count} of the ${part}`)].join(", ");
  const afresh = presentParts(model).filter((part) => !loaded.includes(part));
  const rest = afresh.length > 0 ? `${afresh.join(", ")} begin${afresh.length > 1 ? "" : "s"}` : "nothing begins";
  return `loaded from ${file}: ${all}; ${rest} afresh`;
}

/** The tensors of a file, or of published weights by their name, under the names that they have there. */
export async function readInit(file: string, pulling: PullOptions): Promise<ForeignCheckpoint> {
  const path = await weightsFile(file, pulling);
  const fail = (cause: Error, found: string) => new PspnetError("weights", `init=${file}: ${found}`, { cause });
  const found = await readForeign([path]).catch((cause: Error) => {
    throw fail(cause, `expected a readable checkpoint (${cause.message})`);
  });
  try {
    checkFinite(found.state);
  } catch (cause) {
    throw fail(cause as Error, (cause as Error).message);
  }
  return found;
}
