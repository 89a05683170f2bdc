import { type ChildProcess, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { PspnetError } from "@pspnet/core";

/** They come together. */
export type Tool = "ffmpeg" | "ffprobe";

export interface FfmpegOptions {
  /** Whether it is written to. */
  readonly input?: boolean;
  /** Called with each line that it says. */
  readonly onLine?: (line: string) => void;
}

/** How a process ended: null when it did what it was to do. */
export type Failure = string | null;

/** How many of the last errors that it told of are kept. */
const WORDS = 3;

/**
 * ffmpeg or ffprobe in a process of its own, and in a session of its own: Ctrl-C at a terminal is for whoever started it, who ends it in
 * good order. When this process is gone, what it writes to or reads from ends, and so does it.
 */
export class Ffmpeg {
  /** Settled when it has ended and all that it said is read. Fails with PspnetError "environment" when it is not there. */
  readonly ended: Promise<Failure>;
  readonly #child: ChildProcess;
  readonly #words: string[] = [];

  constructor(tool: Tool, args: readonly string[], { input = false, onLine = () => {} }: FfmpegOptions = {}) {
    const stdio = [input ? "pipe" : "ignore", "pipe", "pipe"] as const;
    const child = spawn(tool, ["-hide_banner", ...args], { stdio: [...stdio], detached: true, windowsHide: true });
    this.#child = child;
    eachLine(child.stderr!, (line) => {
      this.#hear(line);
      onLine(line);
    });
    this.ended = new Promise((resolve, reject) => {
      child.once("error", (cause) => reject(missing(tool, cause)));
      child.once("close", (code, signal) => resolve(code === 0 ? null : this.#failure(code, signal)));
    });
    // Whoever waits for it hears of it.
    this.ended.catch(() => {});
    // A write that failed says so to whoever wrote.
    child.stdin?.on("error", () => {});
  }

  get input(): Writable {
    return this.#child.stdin!;
  }

  get output(): Readable {
    return this.#child.stdout!;
  }

  /** The last errors that it told of, in its own words. */
  get words(): string {
    return this.#words.join("; ");
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  #hear(line: string): void {
    const error = /\[(?:error|fatal|panic)\] (.+)/.exec(line);
    if (!error || this.#words.includes(error[1])) return;
    this.#words.push(error[1]);
    if (this.#words.length > WORDS) this.#words.shift();
  }

  #failure(code: number | null, signal: NodeJS.Signals | null): string {
    if (signal) return `killed by ${signal}`;
    return this.words || `it exited with ${code}`;
  }
}

/** What it prints. A failure is an error of `fail`. */
export async function ask(tool: Tool, args: readonly string[], fail: (failure: string) => Error): Promise<string> {
  const asked = new Ffmpeg(tool, args);
  let text = "";
  asked.output.setEncoding("utf8").on("data", (part) => {
    text += part;
  });
  const failure = await asked.ended;
  if (failure !== null) throw fail(failure);
  return text;
}

/** @throws PspnetError "environment" when it is not there or does not run. */
export async function ffmpegVersion(): Promise<string> {
  const text = await ask("ffmpeg", ["-version"], cannotRun);
  return /^ffmpeg version (\S+)/.exec(text)?.[1] ?? "of an unknown version";
}

export function cannotRun(failure: string): PspnetError {
  return new PspnetError("environment", `films: ffmpeg does not run: ${failure}`);
}

/** A local file, whatever its name looks like: `-x.mp4`, `http:x.mp4`. */
export function fileUrl(path: string): string {
  return `file:${path}`;
}

function missing(tool: Tool, cause: NodeJS.ErrnoException): PspnetError {
  const found = cause.code === "ENOENT" ? "found none" : `but it does not start: ${cause.message}`;
  const mend = "apt install ffmpeg (Debian, Ubuntu), brew install ffmpeg (macOS) or winget install ffmpeg (Windows)";
  const message = `films: expected ${tool} on the path, ${found}; ${mend} brings ffmpeg and ffprobe`;
  return new PspnetError("environment", message, { cause });
}

function eachLine(stream: Readable, take: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split(/\r?\n/);
    rest = lines.pop()!;
    for (const line of lines) take(line);
  });
  stream.on("end", () => {
    if (rest) take(rest);
  });
}
