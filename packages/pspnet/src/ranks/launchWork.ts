import { PspnetError } from "@pspnet/core";
import type { TextStream } from "../report/progress.js";
import { launchedPlace } from "./launchedPlace.js";
import { type OnRanksOptions, onRanks } from "./onRanks.js";
import { isOnAllRanks } from "./sharedFailures.js";
import { type NetworkTask, type WorkTask, workAsRank } from "./workAsRank.js";
import { alone, type World } from "./world.js";

export interface WorkOptions {
  readonly world: World;
  readonly signal: AbortSignal;
  readonly stream: TextStream;
}

/** Work of which each rank does its share. What rank 0 gives is the whole. */
export type Work<Task, Result> = (task: Task, options: WorkOptions) => Promise<Result>;

export interface LaunchOptions extends OnRanksOptions {
  /** The module of a process that does the work by `answerWork`. */
  readonly entry: URL;
  /** How long ranks wait for each other, such as `10m`. */
  readonly timeout: string;
  readonly signal: AbortSignal;
  readonly stream: TextStream;
}

/** The result, or who tells it. */
export type Launched<Result> = { readonly result: Result } | { readonly elsewhere: "done" | "failed" };

/**
 * Does the work in this process, or as the rank that a launcher made of it, or on as many processes as `ranks` says. Of a launcher's ranks
 * the first has the result, and tells what went wrong on all.
 *
 * @throws as `onRanks` and `asRank` do; PspnetError "usage" for ranks within ranks.
 */
export async function launchWork<Task extends NetworkTask, Result>(
  work: Work<Task, Result>,
  task: WorkTask<Task>["task"],
  { entry, timeout, ...options }: LaunchOptions,
): Promise<Launched<Result>> {
  const { ranks, kept, signal, stream } = options;
  const place = launchedPlace();
  const several = (place?.worldSize ?? ranks) > 1;
  if (place && several && ranks > 1) {
    const found = `${place.worldSize} that ${place.launcher} started`;
    throw new PspnetError(
      "usage",
      `--ranks ${ranks}: expected ranks of one launcher, found ${found}; leave the flag out`,
    );
  }
  if (!several) return { result: await work(task, { world: alone, signal, stream }) };
  const told: WorkTask<Task> = { task, timeout, kept };
  if (place === null) return { result: await onRanks<WorkTask<Task>, Result>(entry, told, options) };
  const own = place.rank === 0 ? stream : { write() {} };
  try {
    const result = await workAsRank(work, told, { place, signal, stream: own });
    return place.rank === 0 ? { result } : { elsewhere: "done" };
  } catch (error) {
    if (place.rank > 0 && isOnAllRanks(error)) return { elsewhere: "failed" };
    throw error;
  }
}
