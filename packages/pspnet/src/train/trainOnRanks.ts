import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createServer } from "node:net";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { PspnetError } from "@pspnet/core";
import type { TrainConfig } from "../config/schema.js";
import { createRunFolder, runFolder } from "../files/runFolder.js";
import { Subprocess } from "../threads/subprocess.js";
import { checkpointFile } from "./checkpoint.js";
import { ranksOnGpus } from "./rankDevice.js";
import type { RankTask } from "./rankProcess.js";
import type { TrainOptions, TrainResult } from "./train.js";
import { KEPT } from "./trainAsRank.js";

type LaunchOptions = Omit<TrainOptions, "world" | "recipe">;

/** Once one rank has failed the others find that out by themselves; who has not after so many milliseconds hangs. */
const GRACE = 15_000;

/**
 * Trains on `ranks` processes of this machine, which share its cores: starts them, watches them, and ends all when one is lost; `restarts`
 * times all begin again at the last checkpoint.
 *
 * @throws what the first rank to fail found wrong; PspnetError "environment" naming a rank that was lost.
 */
export async function trainOnRanks(config: TrainConfig, options: LaunchOptions): Promise<TrainResult> {
  const { placed = config.resume, stream } = options;
  const folder = placed
    ? join(config.runs, config.name)
    : runFolder(config.runs, config.name, await createRunFolder(config.runs, config.name));
  if (basename(folder) !== config.name)
    stream?.write(`${join(config.runs, config.name)} exists: this run is ${folder}\n`);
  const { ranks, device } =
    config.ranks === "gpus" ? ({ ranks: ranksOnGpus(), device: "cuda" } as const) : { ...config, ranks: config.ranks };
  let current = { ...config, ranks, device, name: basename(folder) };
  for (let left = config.restarts; ; left--) {
    try {
      return await attempt(current, options);
    } catch (error) {
      if (!existsSync(join(folder, "config.yaml"))) await rm(folder, { recursive: true, force: true });
      const lost = error instanceof PspnetError && error.code === "environment";
      if (!lost || left === 0 || options.signal?.aborted) throw error;
      const saved = existsSync(checkpointFile(folder));
      stream?.write(
        `${error.message}\nbeginning again ${saved ? "at the last checkpoint" : "from the start"}, ${left - 1} times more\n`,
      );
      current = { ...current, resume: saved };
    }
  }
}

type RanksConfig = TrainConfig & { readonly ranks: number };

async function attempt(config: RanksConfig, { signal, stream }: LaunchOptions): Promise<TrainResult> {
  const { ranks } = config;
  const store = `tcp://127.0.0.1:${await freePort()}`;
  /** What the first one to fail found wrong, or how it ended: the others find out later, by what they wait for. */
  let first: Error | undefined;
  const processes = Array.from({ length: ranks }, (_, rank) => {
    const onExit = (how: string) => {
      first ??= new PspnetError("environment", `rank ${rank}: its process ended: ${how}; ${KEPT}`);
    };
    return startRank(rank, config, onExit);
  });
  let timer: NodeJS.Timeout | undefined;
  const killAll = () => {
    for (const process of processes) process.kill();
  };
  const answers = processes.map(async (process, rank) => {
    const place = { rank, worldSize: ranks, localRank: rank, store, launcher: "pspnet" };
    const terminal = { isTTY: stream?.isTTY, columns: stream?.columns };
    const onNews = (text: string) => rank === 0 && stream?.write(text);
    try {
      return await process.ask({ config, place, terminal }, { signal, onNews });
    } catch (error) {
      first ??= error as Error;
      timer ??= setTimeout(killAll, GRACE);
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

function startRank(
  rank: number,
  { ranks, threads }: RanksConfig,
  onExit: (how: string) => void,
): Subprocess<RankTask, TrainResult, string> {
  const share = String(Math.max(1, Math.floor(availableParallelism() / ranks)));
  return new Subprocess(new URL("rankProcess.js", import.meta.url), {
    name: `rank ${rank}`,
    env: threads > 0 ? {} : { OMP_NUM_THREADS: share },
    onExit,
  });
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
