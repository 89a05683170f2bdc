import { open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { writeError } from "../files/writeError.js";

/** What the bytes are the beginning of. */
export interface Origin {
  readonly url: string;
  /** What the server calls this version of the file, by ETag or Last-Modified; null when it does not. */
  readonly validator: string | null;
}

export interface AppendOptions {
  /** Bytes that stand. */
  readonly from: number;
  /** Bytes of the whole file, null where that is not known. */
  readonly total: number | null;
  /** Told how many bytes stand. */
  readonly onBytes: (done: number) => void;
}

/** What has come of a file, and beside it, in `<path>.json`, of which. */
export class PartFile {
  readonly #origin: string;

  constructor(readonly path: string) {
    this.#origin = `${path}.json`;
  }

  /** What can be gone on with; null when nothing has come, of another address, or of a file whose version is unknown. */
  async begun(url: string): Promise<{ readonly bytes: number; readonly validator: string } | null> {
    const bytes = await this.size();
    const text = await readFile(this.#origin, "utf8").catch(() => "null");
    const origin = parse(text);
    if (bytes === 0 || origin?.url !== url || origin.validator === null) return null;
    return { bytes, validator: origin.validator };
  }

  /** 0 when there is none. */
  async size(): Promise<number> {
    return stat(this.path).then(
      ({ size }) => size,
      () => 0,
    );
  }

  /** Leaves what has come, and says what comes. */
  async begin(origin: Origin): Promise<void> {
    try {
      await rm(this.path, { force: true });
      await writeFile(this.#origin, JSON.stringify(origin));
    } catch (cause) {
      throw await this.#error(cause, 0);
    }
  }

  /** @throws PspnetError "environment" when the disk takes no more; what came before stays. */
  async append(content: AsyncIterable<Uint8Array>, { from, total, onBytes }: AppendOptions): Promise<void> {
    let done = from;
    const orError = async <R>(work: Promise<R>): Promise<R> =>
      work.catch(async (cause) => {
        throw await this.#error(cause, (total ?? done) - from);
      });
    const file = await orError(open(this.path, from > 0 ? "r+" : "w"));
    try {
      for await (const chunk of content) {
        for (let at = 0; at < chunk.byteLength; ) {
          const { bytesWritten } = await orError(file.write(chunk, at, chunk.byteLength - at, done));
          at += bytesWritten;
          done += bytesWritten;
        }
        onBytes(done);
      }
      await orError(file.sync());
    } finally {
      await file.close();
    }
  }

  /** Gives the whole file its name. */
  async becomes(file: string): Promise<void> {
    await rename(this.path, file);
    await rm(this.#origin, { force: true });
  }

  async remove(): Promise<void> {
    for (const file of [this.path, this.#origin]) await rm(file, { force: true });
  }

  #error(cause: unknown, needed: number): Promise<Error> {
    const kept = `what has come is kept in ${basename(this.path)}, and the next pull goes on from there`;
    return writeError(cause as NodeJS.ErrnoException, { path: this.path, needed, kept });
  }
}

function parse(text: string): Origin | null {
  try {
    const found = JSON.parse(text);
    const { url, validator } = found ?? {};
    return typeof url === "string" ? { url, validator: typeof validator === "string" ? validator : null } : null;
  } catch {
    return null;
  }
}
