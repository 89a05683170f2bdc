import { relative } from "node:path";
import { PspnetError } from "@pspnet/core";
import type { TextStream } from "../report/progress.js";

/** Where progress and messages go, so that standard output holds results alone. */
export const messages: TextStream = process.stderr;

/** One JSON document on standard output. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** A path as it is from where the command was given. */
export function fromHere(path: string): string {
  return relative(process.cwd(), path) || ".";
}

/** Whoever reads may leave before the end, as `head` does: the rest is dropped. Any other failure to write is told, and ends in code 1. */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", ({ code, message }: NodeJS.ErrnoException) => {
      if (code === "EPIPE") return;
      if (stream !== process.stderr) messages.write(`pspnet: standard output: ${message}\n`);
      process.exitCode = 1;
    });
  }
}

/** One Ctrl-C reaches a process more than once, from the terminal and from npm: within so many milliseconds it is the same. */
const SAME = 1000;
/** Milliseconds between looks at whether the parent is still there. */
const LOOK = 250;

/**
 * Runs `work` with a signal that the first Ctrl-C (or a polite kill) aborts, and tells of it; the second one ends the process at once.
 *
 * A signal to npm alone goes no further than the shell that npm runs commands in (npx, npm run), so that this shell's end is one too.
 */
export async function interruptible<R>(
  work: (signal: AbortSignal) => Promise<R>,
  tell: () => void = () => messages.write("\nstopping after this step; press Ctrl-C again to stop at once\n"),
): Promise<R> {
  const controller = new AbortController();
  let first = Number.POSITIVE_INFINITY;
  const interrupt = () => {
    if (performance.now() - first > SAME) process.exit(1);
    if (controller.signal.aborted) return;
    first = performance.now();
    tell();
    controller.abort(new PspnetError("interrupted", "stopped before the end"));
  };
  const parent = process.ppid;
  const orphaned = () => {
    if (process.ppid !== parent && !controller.signal.aborted) interrupt();
  };
  const watch = process.env.npm_lifecycle_event === undefined ? undefined : setInterval(orphaned, LOOK).unref();
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  try {
    return await work(controller.signal);
  } finally {
    clearInterval(watch);
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
  }
}
