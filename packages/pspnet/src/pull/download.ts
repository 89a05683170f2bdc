import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { basename } from "node:path";
import { setTimeout } from "node:timers/promises";
import { PspnetError } from "@pspnet/core";
import { type OpenedUrl, openUrl } from "./openUrl.js";
import { PartFile } from "./partFile.js";

/** A file that somebody publishes. */
export interface RemoteFile {
  readonly url: string;
  /** The first hexadecimal digits of its sha256; null where none are published. */
  readonly sha256: string | null;
  /** Its size; null where none is published. */
  readonly bytes: number | null;
}

export interface DownloadOptions {
  /** Takes the file although it is not the published one. */
  readonly unverified?: boolean;
  readonly signal?: AbortSignal;
  /** Told how many bytes are there; `total` is null where the server does not say. */
  readonly onProgress?: (done: number, total: number | null) => void;
  /** Told what goes wrong and is tried again. */
  readonly onTrouble?: (message: string) => void;
  /** What to do where the file is not to be had. */
  readonly mend?: string;
  /** Milliseconds that the server may say nothing. */
  readonly patience?: number;
  /** Milliseconds before the next try, twice as many after each in vain. */
  readonly pause?: number;
}

/** Tries one after another that bring nothing. */
const TRIES = 5;

/** Answers that may be others soon. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

const GONE: ReadonlySet<number> = new Set([404, 410]);

/** An answer that has not the file. */
class Refusal extends Error {}

/**
 * Fetches a file. What has come stands in `<file>.part` until it is whole and checked, and a broken connection is gone on from
 * there, now or by another call, as long as the server still has the same file.
 *
 * @throws PspnetError "environment" for a server that is not reached or has no such file, and for a disk that takes no more; "format"
 * for a file that is not the published one: it is kept as `<file>.bad`, and taken from there with `unverified`.
 */
export async function download(remote: RemoteFile, file: string, options: DownloadOptions = {}): Promise<void> {
  const part = new PartFile(`${file}.part`);
  const bad = `${file}.bad`;
  if (options.unverified && (await moved(bad, file))) return;
  let { inPieces } = await fetchWhole(remote, part, options);
  let wrong = options.unverified ? null : await difference(remote, part);
  if (wrong !== null && inPieces) {
    options.onTrouble?.(`${basename(file)}: ${wrong}, put together of pieces; it is fetched anew`);
    await part.remove();
    ({ inPieces } = await fetchWhole(remote, part, options));
    wrong = await difference(remote, part);
  }
  await part.becomes(wrong === null ? file : bad);
  if (wrong === null) return rm(bad, { force: true });
  const mend = `pull it again to fetch it anew, or with --unverified to take it as it is (kept in ${basename(bad)})`;
  throw new PspnetError("format", `${file}: ${wrong}: it has been changed since, or damaged on the way; ${mend}`);
}

async function moved(from: string, to: string): Promise<boolean> {
  return rename(from, to).then(
    () => true,
    () => false,
  );
}

/** What tells a file from the published one; null for that one. */
async function difference({ sha256, bytes }: RemoteFile, part: PartFile): Promise<string | null> {
  const size = await part.size();
  if (bytes !== null && bytes !== size) return `expected ${bytes} bytes, found ${size}`;
  if (sha256 === null) return null;
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(part.path)) hash.update(chunk);
  const found = hash.digest("hex");
  return found.startsWith(sha256) ? null : `expected a sha256 of ${sha256}..., found ${found}`;
}

/** Tries until the part is whole. Whether it was put together of several answers tells what a wrong hash may come from. */
async function fetchWhole(
  { url }: RemoteFile,
  part: PartFile,
  { onTrouble, onProgress, signal, mend = "", patience = 30_000, pause = 1000 }: DownloadOptions,
): Promise<{ readonly inPieces: boolean }> {
  const transfer = new Transfer(url, part, { onProgress, signal, patience });
  for (let vain = 0, before = 0; ; before = transfer.done) {
    try {
      await transfer.goOn();
      return transfer;
    } catch (cause) {
      signal?.throwIfAborted();
      if (cause instanceof PspnetError) throw cause;
      const given = (problem: string) => new PspnetError("environment", `${url}: ${problem}${mend}`, { cause });
      const reason = reasonOf(cause as Error);
      if (cause instanceof Refusal) throw given(`expected the file, found ${reason}`);
      if (!transfer.answered)
        throw given(`${reason}; is there a network, and is HTTPS_PROXY set where it takes a proxy?`);
      vain = transfer.done > before ? 0 : vain + 1;
      if (vain === TRIES) throw given(`${reason}, and ${TRIES} tries brought nothing more`);
      const wait = pause * 2 ** vain;
      onTrouble?.(`${url}: ${reason}; trying again in ${(wait / 1000).toFixed(0)} s`);
      await setTimeout(wait, null, { signal }).catch(() => signal?.throwIfAborted());
    }
  }
}

/** Of several addresses that were tried the error itself says nothing. */
function reasonOf(error: Error & { readonly code?: string; readonly errors?: readonly Error[] }): string {
  return error.message || error.errors?.[0]?.message || error.code || error.name;
}

/** A file on its way. */
class Transfer {
  /** Bytes that are there. */
  done = 0;
  answered = false;
  inPieces = false;

  constructor(
    readonly url: string,
    readonly part: PartFile,
    readonly options: Pick<DownloadOptions, "onProgress" | "signal"> & { readonly patience: number },
  ) {}

  /** Fetches what is missing, or all when the server has another file now. */
  async goOn(): Promise<void> {
    const { url, part } = this;
    const { signal, onProgress, patience } = this.options;
    const begun = await part.begun(url);
    const rest = begun && { range: `bytes=${begun.bytes}-`, "if-range": begun.validator };
    const headers = { "user-agent": "pspnet", "accept-encoding": "identity", ...rest };
    await using answer = await openUrl(url, { headers, signal, patience });
    this.answered = true;
    const { from, total } = await this.#span(answer, begun?.bytes ?? 0);
    if (from === total) return;
    this.inPieces = from > 0;
    this.done = from;
    const validator = answer.headers.etag?.startsWith('"') ? answer.headers.etag : answer.headers["last-modified"];
    if (from === 0) await part.begin({ url, validator: validator ?? null });
    await part.append(answer.body, {
      from,
      total,
      onBytes: (done) => {
        this.done = done;
        onProgress?.(done, total);
      },
    });
    if (total !== null && this.done !== total)
      throw new Error(`the connection ended after ${this.done} of ${total} bytes`);
  }

  /** Where an answer's bytes begin in the file, and the file's size, null where the server does not say. */
  async #span({ status, headers }: OpenedUrl, asked: number): Promise<{ from: number; total: number | null }> {
    const [, begin, size] = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(headers["content-range"] ?? "") ?? [];
    const total = size === undefined || size === "*" ? null : Number(size);
    if (status === 206 && Number(begin) === asked) return { from: asked, total };
    // Nothing is left to send: the file was whole when it was left.
    if (status === 416 && total === asked) return { from: asked, total };
    const length = headers["content-length"];
    if (status === 200) return { from: 0, total: length === undefined ? null : Number(length) };
    if (PASSING.has(status)) throw new Error(`HTTP ${status}`);
    if (status !== 206 && status !== 416)
      throw new Refusal(`HTTP ${status}${GONE.has(status) ? ": it is not there any more" : ""}`);
    await this.part.remove();
    throw new Error("it was asked for the rest of the file and sent another part");
  }
}
