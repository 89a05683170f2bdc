import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";

// Trainings of several ranks by the command line, and what becomes of their processes. Linux alone.

const command = fileURLToPath(new URL("../../bin/pspnet.js", import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** All that it wrote. */
  readonly text: string;
  /** `performance.now()` when it had ended. */
  readonly at: number;
}

/** `pspnet train` in a process of its own. */
export class RankRun {
  readonly ended: Promise<Ended>;
  readonly child: ChildProcess;
  text = "";

  constructor(keys: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.child = spawn(process.execPath, [command, "train", ...keys], { env: { ...process.env, ...env } });
    for (const stream of [this.child.stdout!, this.child.stderr!])
      stream.setEncoding("utf8").on("data", (part: string) => {
        this.text += part;
      });
    // Not its streams' end: a rank that outlives it has them too.
    this.ended = new Promise((resolve) =>
      this.child.on("exit", (code, signal) => {
        const at = performance.now();
        setImmediate(() => resolve({ code, signal, text: this.text, at }));
      }),
    );
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** The processes of its ranks, the first one's first. */
  ranks(): number[] {
    const tasks = readdirSync(`/proc/${this.pid}/task`);
    const children = tasks.flatMap((task) =>
      readFileSync(`/proc/${this.pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean).map(Number),
    );
    return children
      .filter((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("rankProcess"))
      .sort((a, b) => a - b);
  }
}

/** The ranks of a launcher that sets torchrun's variables, each a command of its own. */
export async function launched(keysOf: (rank: number) => readonly string[], size = 2): Promise<RankRun[]> {
  const port = String(await freePort());
  return Array.from({ length: size }, (_, rank) => new RankRun(keysOf(rank), environment({ rank, size, port })));
}

export interface RankPlace {
  readonly rank: number;
  readonly size: number;
  readonly port: string;
}

export const environment = ({ rank, size, port }: RankPlace): Record<string, string> => ({
  RANK: String(rank),
  LOCAL_RANK: String(rank),
  WORLD_SIZE: String(size),
  MASTER_ADDR: "127.0.0.1",
  MASTER_PORT: port,
});

/** Whether a process is there and has not ended. */
export function runs(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat[stat.lastIndexOf(")") + 2] !== "Z";
  } catch {
    return false;
  }
}

/** Whether all processes end within so many milliseconds. */
export async function end(pids: readonly number[], within: number): Promise<boolean> {
  const limit = performance.now() + within;
  while (pids.some(runs) && performance.now() < limit) await setTimeout(20);
  return !pids.some(runs);
}

/** Steps of a run whose losses its folder has. */
export function stepsOf(folder: string): number {
  const file = join(folder, "metrics.csv");
  return existsSync(file) ? Math.max(0, readFileSync(file, "utf8").trim().split("\n").length - 1) : 0;
}

/** Resolves once the folder has so many steps, or the command has ended. */
export async function reaches(run: RankRun, folder: string, step: number): Promise<void> {
  while (stepsOf(folder) < step && run.child.exitCode === null && run.child.signalCode === null) await setTimeout(10);
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { readonly port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
