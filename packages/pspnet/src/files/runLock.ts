import { readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { PspnetError } from "@pspnet/core";
import { writeError } from "./writeError.js";

/** The process that has a run. */
interface Owner {
  readonly pid: number;
  readonly host: string;
  /** As {@link beginningOf} says it, which tells the process from a later one of the same number. */
  readonly began: string | null;
}

/** Keeps a run's folder for this process alone: two that train into one undo what the other has saved. */
export class RunLock implements AsyncDisposable {
  #file: string | null = null;
  #leftBehind: string | null = null;

  /** What is to be said when the folder was another's, which has ended without letting go of it. */
  get leftBehind(): string | null {
    return this.#leftBehind;
  }

  /** @throws PspnetError "environment" naming the process that has the folder, or why it cannot be written to. */
  async take(folder: string): Promise<void> {
    const file = join(folder, "lock.json");
    const own: Owner = { pid: process.pid, host: hostname(), began: await beginningOf(process.pid) };
    while (!(await create(file, `${JSON.stringify(own)}\n`))) {
      const text = await readIfThere(file);
      if (text === null) continue;
      const other = parse(text);
      if (other === null || !(await hasEnded(other))) throw inUse(folder, file, other);
      if (!(await removeStale(file, text))) throw inUse(folder, `${file}.turn`, null);
      this.#leftBehind = `${folder}: process ${other.pid} has ended without letting go of it; it is taken over`;
    }
    this.#file = file;
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

function inUse(folder: string, file: string, owner: Owner | null): PspnetError {
  const who = owner ? `process ${owner.pid} on ${owner.host} trains into it` : "another process begins to";
  const mend = `let it end first, or delete ${file} if there is no such process`;
  return new PspnetError("environment", `${folder}: expected a run that no process has, but ${who}; ${mend}`);
}
