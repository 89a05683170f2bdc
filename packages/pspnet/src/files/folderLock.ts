import { readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { PspnetError } from "@pspnet/core";
import { writeError } from "./writeError.js";

/** The process that has a folder. */
interface Owner {
  readonly pid: number;
  readonly host: string;
  /** As {@link beginningOf} says it, which tells the process from a later one of the same number. */
  readonly began: string | null;
}

/** Who has a folder, and the file that says so. */
interface InUse {
  readonly who: string;
  readonly file: string;
}

/** What folders are kept for, in messages. */
export interface Purpose {
  /** `a run`: what the folder holds. */
  readonly what: string;
  /** `trains into it`: what the process that has it does. */
  readonly doing: string;
}

export interface WaitOptions {
  readonly signal?: AbortSignal;
  /** Told once who has the folder, when another has. */
  readonly onWait: (message: string) => void;
}

/** How often a folder that is waited for is asked for. */
const POLL_MS = 100;

/** Keeps a folder for this process alone: two that write into one undo what the other has saved. */
export class FolderLock implements AsyncDisposable {
  readonly #purpose: Purpose;
  #file: string | null = null;
  #leftBehind: string | null = null;

  constructor(purpose: Purpose) {
    this.#purpose = purpose;
  }

  /** What is to be said when the folder was another's, which has ended without letting go of it. */
  get leftBehind(): string | null {
    return this.#leftBehind;
  }

  /** Takes the folder unless another process has it, and says whether. */
  async takeIfFree(folder: string): Promise<boolean> {
    return (await this.#attempt(folder)) === null;
  }

  /** @throws PspnetError "environment" naming the process that has the folder, or why it cannot be written to. */
  async take(folder: string): Promise<void> {
    const other = await this.#attempt(folder);
    if (other === null) return;
    const { what } = this.#purpose;
    const mend = `let it end first, or delete ${other.file} if there is no such process`;
    throw new PspnetError("environment", `${folder}: expected ${what} that no process has, but ${other.who}; ${mend}`);
  }

  /** Takes the folder as soon as no other process has it. */
  async wait(folder: string, { signal, onWait }: WaitOptions): Promise<void> {
    for (let told = false; ; told = true) {
      const other = await this.#attempt(folder);
      if (other === null) return;
      if (!told) onWait(`${folder}: ${other.who}; waiting for it (delete ${other.file} if there is no such process)`);
      await setTimeout(POLL_MS);
      signal?.throwIfAborted();
    }
  }

  /** Null when this process has the folder now, else who has it. */
  async #attempt(folder: string): Promise<InUse | null> {
    const file = join(folder, "lock.json");
    const own: Owner = { pid: process.pid, host: hostname(), began: await beginningOf(process.pid) };
    while (!(await create(file, `${JSON.stringify(own)}\n`))) {
      const text = await readIfThere(file);
      if (text === null) continue;
      const other = parse(text);
      if (other === null || !(await hasEnded(other))) return this.#inUse(file, other);
      if (!(await removeStale(file, text))) return this.#inUse(`${file}.turn`, null);
      this.#leftBehind = `${folder}: process ${other.pid} has ended without letting go of it; it is taken over`;
    }
    this.#file = file;
    return null;
  }

  #inUse(file: string, owner: Owner | null): InUse {
    const who = owner ? `process ${owner.pid} on ${owner.host} ${this.#purpose.doing}` : "another process begins to";
    return { file, who };
  }

  /** Lets go. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#file !== null) await rm(this.#file, { force: true });
    this.#file = null;
  }
}

/** False when the file is there already. */
async function create(file: string, text: string): Promise<boolean> {
  try {
    await writeFile(file, text, { flag: "wx" });
    return true;
  } catch (error) {
    const cause = error as NodeJS.ErrnoException;
    if (cause.code === "EEXIST") return false;
    throw await writeError(cause, { path: file, needed: text.length, kept: "nothing was started" });
  }
}

/**
 * Removes the file if it still says `text`, and says whether it was this process's turn: of two that find the same one, the second
 * would remove the lock that the first makes in its place.
 */
async function removeStale(file: string, text: string): Promise<boolean> {
  const turn = `${file}.turn`;
  if (!(await create(turn, ""))) return false;
  if ((await readIfThere(file)) === text) await rm(file);
  await rm(turn);
  return true;
}

async function readIfThere(file: string): Promise<string | null> {
  return readFile(file, "utf8").catch(({ code }: NodeJS.ErrnoException) => (code === "ENOENT" ? null : ""));
}

/** Null for what is no lock, or not whole yet. */
function parse(text: string): Owner | null {
  try {
    const { pid, host, began } = JSON.parse(text);
    return Number.isInteger(pid) && typeof host === "string" ? { pid, host, began: began ?? null } : null;
  } catch {
    return null;
  }
}

/** False when it cannot be known, as of another machine's process. */
async function hasEnded({ pid, host, began }: Owner): Promise<boolean> {
  if (host !== hostname()) return false;
  if (began !== null) return (await beginningOf(pid)) !== began;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

/** When a process began, in ticks since the machine did; null when it has ended, and where the system has no `/proc`. */
async function beginningOf(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  if (stat === null) return null;
  // Behind the program's name, which may hold anything: the state, Z of one that has ended, and 19 fields on the beginning (man 5 proc).
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" ? null : fields[19];
}
