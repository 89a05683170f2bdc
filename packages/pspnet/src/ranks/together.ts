import { setTimeout } from "node:timers/promises";
import { type ErrorCode, PspnetError } from "@pspnet/core";
import { gather } from "./gather.js";
import { onAllRanks } from "./sharedFailures.js";
import { sumNumbers, type World } from "./world.js";

export interface TogetherOptions {
  /** Aborting it on one rank stops all. */
  readonly signal: AbortSignal;
  /** Numbers of this rank, as they are at any time, which add up over ranks. */
  readonly tally?: Float64Array;
  /** Told the sums of several ranks, several times a second. */
  readonly onTally?: (sums: Float64Array) => void;
}

/** Milliseconds between two times that ranks hear of each other. */
const PULSE = 200;

const STATES = ["working", "done", "stopped", "failed"] as const;

type State = (typeof STATES)[number];

/**
 * Does `work`, in which this rank needs no other, while all ranks hear of each other several times a second: when one fails, is told to
 * stop, or is lost, the others stop at once. All come out of it together, so that they may call collectives again.
 *
 * @throws on every rank what the first to fail found wrong, with that rank's name; PspnetError "interrupted" when one was told to stop; and what a
 * collective throws when one is lost.
 */
export async function together<R>(
  world: World,
  work: (signal: AbortSignal) => Promise<R>,
  { signal, tally = new Float64Array(), onTally }: TogetherOptions,
): Promise<R> {
  if (world.size === 1) return await work(signal);
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  let state: State = "working";
  let failure: unknown;
  const result = work(either).then(
    (value) => {
      state = "done";
      return value;
    },
    (error) => {
      state = either.aborted ? "stopped" : "failed";
      failure = error;
    },
  );
  try {
    for (;;) {
      const own = new Float64Array(world.size);
      own[world.rank] = STATES.indexOf(state);
      const sums = await sumNumbers(world, Float64Array.of(...tally, ...own));
      onTally?.(sums.subarray(0, tally.length));
      const states = Array.from(sums.subarray(tally.length), (i) => STATES[i]);
      if (states.every((one) => one === "done")) return (await result) as R;
      if (states.some((one) => one === "stopped" || one === "failed")) stop.abort();
      if (!states.includes("working")) return await ended(world, states, failure);
      if (state === "working") await Promise.race([result, setTimeout(PULSE)]);
    }
  } catch (error) {
    stop.abort();
    await result;
    throw error;
  }
}

/** Of a failure only this much goes to the other ranks. */
interface Told {
  readonly code: ErrorCode;
  readonly message: string;
}

async function ended(world: World, states: readonly State[], failure: unknown): Promise<never> {
  const told = await gather<Told | null>(world, states[world.rank] === "failed" ? tellable(failure) : null);
  const rank = told.findIndex((one) => one !== null);
  const first = told[rank];
  if (!first) throw onAllRanks(new PspnetError("interrupted", "stopped before the end"));
  const cause = rank === world.rank ? failure : undefined;
  throw onAllRanks(new PspnetError(first.code, `rank ${rank}: ${first.message}`, { cause }));
}

function tellable(error: unknown): Told {
  if (error instanceof PspnetError) return { code: error.code, message: error.message };
  return { code: "environment", message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
