import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { type LabelMap, PspnetError, type Rgb } from "@pspnet/core";
import { atomicWrite } from "../../files/atomicWrite.js";
import { encodeMask } from "../../files/png.js";
import type { Pair } from "../source.js";

/** Says that a folder is one of these, and what its text files were when they were written. */
const RECORD = "prepared.json";

interface FolderRecord {
  readonly dataset: string;
  readonly folder: string;
  readonly texts: Record<string, string>;
}

/** How long work stands, and what ends it early. */
export interface Work {
  readonly signal?: AbortSignal;
  readonly onProgress?: (what: string, done: number, total: number) => void;
}

/**
 * The folder that `data prepare` writes into: its own alone. Done again, what is there stays: masks that are not older than what they
 * were made of, and texts that were changed by hand.
 */
export class PreparedFolder {
  readonly path: string;
  /** Texts that somebody changed, and so were kept. */
  readonly kept: string[] = [];
  readonly #record: FolderRecord;
  readonly #work: Work;

  private constructor(path: string, record: FolderRecord, work: Work) {
    this.path = path;
    this.#record = record;
    this.#work = work;
  }

  /** @throws PspnetError "data" for a folder that holds something else. */
  static async open(path: string, of: { dataset: string; folder: string }, work: Work = {}): Promise<PreparedFolder> {
    const there = (await readdir(path).catch(() => [])).filter((name) => !name.startsWith("."));
    const record = there.includes(RECORD) ? await readRecord(join(path, RECORD)) : null;
    if (there.length > 0 && (record?.dataset !== of.dataset || record.folder !== of.folder)) {
      const found = record ? `what was made of ${record.folder} (${record.dataset})` : there.slice(0, 3).join(", ");
      const mend = "choose another folder with --out, or remove what is there";
      throw new PspnetError("data", `${path}: expected an empty folder for ${of.dataset}, found ${found}; ${mend}`);
    }
    const folder = new PreparedFolder(path, { ...of, texts: record?.texts ?? {} }, work);
    await folder.#writeRecord();
    return folder;
  }

  /** Writes a text, unless somebody changed it since. */
  async text(name: string, content: string): Promise<void> {
    const file = join(this.path, name);
    const { texts } = this.#record;
    const there = await readFile(file, "utf8").catch(() => null);
    if (there !== null && there !== content && digest(there) !== texts[name]) {
      this.kept.push(name);
      return;
    }
    texts[name] = digest(content);
    await this.#writeRecord();
    if (there !== content) await atomicWrite(file, content);
  }

  /**
   * Makes a mask for each image: `masks/<id>.png`, index PNG in the palette's colours. A mask that cannot be made is a problem, and its
   * image is left out.
   *
   * @throws PspnetError "interrupted" when the signal ends it; what was made stays, and is not made again.
   */
  async masks(
    images: readonly MaskToMake[],
    { palette, what = "masks" }: { readonly palette: readonly Rgb[]; readonly what?: string },
  ): Promise<{ readonly pairs: readonly Pair[]; readonly problems: readonly string[] }> {
    const pairs: Pair[] = [];
    const problems = await this.each(images, what, async ({ id, image, of, make }) => {
      const mask = join("masks", `${id}.png`);
      if (!(await this.isMade(mask, of))) await this.write(mask, encodeMask(await make(), palette));
      pairs.push({ id, image, mask: join(this.path, mask) });
    });
    return { pairs, problems };
  }

  /**
   * Does some work for each of a list, with progress. What cannot be done is a problem, and the rest goes on.
   *
   * @returns a line for each problem.
   * @throws PspnetError "interrupted" when the signal ends it.
   */
  async each<T>(list: readonly T[], what: string, work: (one: T) => Promise<unknown>): Promise<string[]> {
    const problems: string[] = [];
    for (const [i, one] of list.entries()) {
      this.#work.signal?.throwIfAborted();
      try {
        await work(one);
      } catch (cause) {
        if (!(cause instanceof PspnetError) || cause.code !== "data") throw cause;
        problems.push(cause.message);
      }
      this.#work.onProgress?.(what, i + 1, list.length);
    }
    return problems;
  }

  /** Whether a file is there and not older than what it is made of. */
  async isMade(name: string, of: string): Promise<boolean> {
    const file = join(this.path, name);
    if (!existsSync(file)) return false;
    return (await stat(file)).mtimeMs >= (await stat(of).catch(() => ({ mtimeMs: 0 }))).mtimeMs;
  }

  async write(name: string, content: Uint8Array | string): Promise<void> {
    await atomicWrite(join(this.path, name), content);
  }

  async #writeRecord(): Promise<void> {
    await atomicWrite(join(this.path, RECORD), `${JSON.stringify(this.#record, null, 2)}\n`);
  }
}

export interface MaskToMake {
  /** Path of the mask below `masks`, without extension. */
  readonly id: string;
  readonly image: string;
  /** The file that it is made of. */
  readonly of: string;
  /** @throws PspnetError "data" where it cannot be made. */
  make(): Promise<LabelMap>;
}

async function readRecord(file: string): Promise<FolderRecord | null> {
  try {
    const { dataset, folder, texts } = JSON.parse(await readFile(file, "utf8"));
    const whole = typeof dataset === "string" && typeof folder === "string" && typeof texts === "object";
    return whole ? { dataset, folder, texts: { ...texts } } : null;
  } catch {
    return null;
  }
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
