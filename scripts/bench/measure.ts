import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface, type Interface } from "node:readline";
import type { Measured } from "./record.js";
import type { Case, Work } from "./works.js";

export interface MeasureOptions {
  readonly rounds: number;
  readonly runs: number;
  /** Beside this process's own. */
  readonly env: NodeJS.ProcessEnv;
  /** What stands on this machine for a word of a command, or why nothing does. */
  readonly place: (word: string) => Promise<string | { readonly missing: string }>;
  /** Why a case is not to be measured, where it is not. */
  readonly leftOut: (one: Case) => string | undefined;
  readonly onTurn: (text: string) => void;
}

/** How long the threads of one process may still look for work when another's turn begins. */
const REST = 400;

/** Runs all cases of a work in turns, each in a process of its own that stays between its turns. */
export async function measure(work: Work, options: MeasureOptions): Promise<Record<string, Measured>> {
  const runners = new Map<string, Runner>();
  const measured: Record<string, Measured> = {};
  try {
    for (const [id, one] of Object.entries(work.cases)) {
      const command = one.words.join(" ");
      const started = await start(one, options);
      if (started instanceof Runner) runners.set(id, started);
      else measured[id] = { command, missing: started.missing };
      options.onTurn(`${work.id}: ${one.name}: ${started instanceof Runner ? "ready" : started.missing}`);
    }
    for (let round = 1; round <= options.rounds; round++)
      for (const [id, runner] of runners) {
        await new Promise((resolve) => setTimeout(resolve, REST));
        const { command } = runner;
        const found = await runner.turn();
        if (found.missing !== undefined) {
          runners.delete(id);
          measured[id] = { command, missing: found.missing };
          options.onTurn(`${work.id}: round ${round}: ${runner.name}: ${found.missing}`);
          continue;
        }
        const { version, median_s, peak_rss_mb, macs } = found;
        const earlier = measured[id];
        const seconds = earlier && "seconds" in earlier ? earlier.seconds : [];
        measured[id] = { command, version, seconds: [...seconds, median_s], peakMB: peak_rss_mb, macs };
        options.onTurn(`${work.id}: round ${round} of ${options.rounds}: ${runner.name}: ${median_s.toFixed(3)} s`);
      }
  } finally {
    await Promise.all([...runners.values()].map((runner) => runner.end()));
  }
  return measured;
}

async function start(one: Case, options: MeasureOptions): Promise<Runner | { readonly missing: string }> {
  const reason = options.leftOut(one);
  if (reason) return { missing: reason };
  const words: string[] = [];
  for (const word of one.words) {
    const found = await options.place(word);
    if (typeof found !== "string") return found;
    words.push(found);
  }
  const runner = new Runner(one, words, options);
  const { missing } = await runner.answer();
  if (missing === undefined) return runner;
  await runner.end();
  return { missing };
}

/** A line that a benchmark prints; or why there is none. */
type Answer =
  | {
      readonly missing?: undefined;
      readonly version?: string;
      readonly median_s: number;
      readonly peak_rss_mb: number;
      readonly macs?: number;
    }
  | { readonly missing: string };

class Runner {
  readonly name: string;
  readonly command: string;
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #ended: Promise<unknown>;
  #errors = "";

  constructor({ name, words: shown }: Case, [program, ...words]: readonly string[], options: MeasureOptions) {
    this.name = name;
    this.command = shown.join(" ");
    const env = { ...process.env, ...options.env };
    const executable = program === "node" ? process.execPath : program;
    const child = spawn(executable, [...words, "--turns", "--runs", String(options.runs)], { env });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      this.#errors = (this.#errors + text).slice(-4000);
    });
    child.stdin.on("error", () => {});
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout });
    this.#ended = Promise.race([once(child, "close"), once(child, "error")]);
  }

  turn(): Promise<Answer> {
    this.#child.stdin!.write("\n");
    return this.answer();
  }

  /** The next line of JSON, or the last words of a process that ended. */
  async answer(): Promise<Answer> {
    for (;;) {
      const line = await new Promise<string | null>((resolve) => {
        this.#lines.once("line", resolve);
        this.#ended.then(() => resolve(null));
      });
      if (line === null) return { missing: this.#errors.trim().split("\n").at(-1) || "it ended without a word" };
      if (!line.startsWith("{")) continue;
      const { skipped, ...found } = JSON.parse(line);
      return skipped === undefined ? found : { missing: skipped };
    }
  }

  async end(): Promise<void> {
    this.#child.stdin!.end();
    await this.#ended;
  }
}
