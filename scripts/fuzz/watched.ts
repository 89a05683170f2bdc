/** Processes that read inputs, and are ended where one takes too long or too much. */
import { fork } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Input } from "./input.js";

export interface Limits {
  /** Of one input, in the processor's time, as machines are shared. */
  readonly seconds: number;
  /** Of the process, in bytes. */
  readonly memory: number;
}

export interface Batch {
  readonly target: string;
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  readonly limits: Limits;
  /** In place of those that seed and indices name. */
  readonly input?: Input;
}

/** What a process notes, as it may end at any input. */
export interface Notes {
  /** Where the index of the input is that it reads. */
  readonly at: string;
  /** Where it says which limit was passed. */
  readonly why: string;
}

export interface Found {
  readonly index: number;
  readonly problem: string;
  readonly input: Input;
}

/** What came of a batch. */
export interface Findings {
  readonly accepted: number;
  readonly slowest: { readonly index: number; readonly seconds: number };
  /** Bytes that the process had at most. */
  readonly peak: number;
  readonly found: readonly Found[];
}

/** Where a process was ended, and why. */
export interface Ended {
  readonly index: number;
  readonly why: string;
}

/** Reads a batch in a process of its own. */
export async function watched(batch: Batch): Promise<Findings | Ended> {
  const folder = mkdtempSync(join(tmpdir(), "pspnet-fuzz-"));
  const notes: Notes = { at: join(folder, "at"), why: join(folder, "why") };
  writeFileSync(notes.why, "");
  const heap = Math.floor(batch.limits.memory / 2 ** 20);
  const child = fork(fileURLToPath(new URL("./fuzzProcess.ts", import.meta.url)), {
    execArgv: ["--import", "tsx", `--max-old-space-size=${heap}`],
    serialization: "advanced",
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let errors = "";
  child.stderr!.setEncoding("utf8").on("data", (text) => {
    errors += text;
  });
  let findings: Findings | undefined;
  child.on("message", (message) => {
    findings = message as Findings;
  });
  child.send({ batch, notes });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.on("close", (...ended) => resolve(ended)),
  );
  const index = Number(readFileSync(notes.at, { encoding: "utf8", flag: "a+" }) || batch.from);
  const why = readFileSync(notes.why, "utf8") || `ended by itself, ${signal ?? code}: ${errors.slice(0, 400)}`;
  rmSync(folder, { recursive: true });
  return findings ?? { index, why };
}
