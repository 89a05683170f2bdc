import { createServer } from "node:net";
import { PspnetError } from "@pspnet/core";
import type { TextStream } from "../report/progress.js";
import { Subprocess } from "../threads/subprocess.js";
import type { RankQuestion } from "./answerAsRank.js";
import { coresOfRank } from "./coresOfRank.js";

export interface OnRanksOptions {
  readonly ranks: number;
  /** Compute threads of each; 0: its share of the cores. */
  readonly threads: number;
  /** What stands when a rank is lost, for the error. */
  readonly kept: string;
  readonly signal?: AbortSignal;
  /** Where rank 0 writes. */
  readonly stream?: TextStream;
}

/** Once one rank has failed the others find that out by themselves; who has not after so many milliseconds hangs. */
const GRACE = 15_000;

/** Once one's process has ended this one knows who is lost before the others find out: they have so many to finish what they write. */
const GONE = 2000;

/**
 * Does `task` on `ranks` processes of this machine, which share its cores: starts them, watches them, and ends all when one is lost.
 *
 * @param entry the module of each, which calls `answerAsRank`.
 * @returns what rank 0 gives.
 * @throws what the first rank to fail found wrong; PspnetError "environment" naming a rank that was lost.
 */
export async function onRanks<Task, Result>(
  entry: URL,
  task: Task,
  { ranks, threads, kept, signal, stream }: OnRanksOptions,
): Promise<Result> {
  const store = `tcp://127.0.0.1:${await freePort()}`;
  /** What the first one to fail found wrong, or how it ended: the others find out later, by what they wait for. */
  let first: Error | undefined;
  let gone = false;
  const processes = Array.from({ length: ranks }, (_, rank) => {
    const onExit = (how: string) => {
      gone = true;
      first ??= new PspnetError("environment", `rank ${rank}: its process ended: ${how}; ${kept}`);
    };
    const env: Record<string, string> = threads > 0 ? {} : { OMP_NUM_THREADS: String(coresOfRank(ranks)) };
    return new Subprocess<RankQuestion<Task>, Result, string>(entry, { name: `rank ${rank}`, env, onExit });
  });
  let timer: NodeJS.Timeout | undefined;
  const killAll = () => {
    for (const process of processes) process.kill();
  };
  const answers = processes.map(async (process, rank) => {
    const place = { rank, worldSize: ranks, localRank: rank, localSize: ranks, store, launcher: "pspnet" };
    const terminal = { isTTY: stream?.isTTY, columns: stream?.columns };
    const onNews = (text: string) => rank === 0 && stream?.write(text);
    try {
      return await process.ask({ task, place, terminal }, { signal, onNews });
    } catch (error) {
      first ??= error as Error;
      timer ??= setTimeout(killAll, gone ? GONE : GRACE);
      return null;
    }
  });
  try {
    const [result] = await Promise.all(answers);
    if (result === null || first) throw first;
    return result;
  } finally {
    clearTimeout(timer);
    killAll();
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
