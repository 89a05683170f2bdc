import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { PspnetError } from "@pspnet/core";
import { FolderLock } from "../files/folderLock.js";
import { makeFolder } from "../files/makeFolder.js";
import { writeError } from "../files/writeError.js";
import type { TextStream } from "../report/progress.js";
import { shellWord } from "../report/shellWord.js";
import { BOXED, boxedFile } from "./boxed.js";
import { convert } from "./convert.js";
import { type DownloadOptions, download } from "./download.js";
import { DownloadLine } from "./downloadLine.js";
import { isOffline, pullFolder } from "./pullEnvironment.js";
import type { ZooEntry } from "./zoo.js";

export interface PullOptions extends Pick<DownloadOptions, "unverified" | "signal"> {
  /** Takes what was pulled before, and asks nobody for the rest. */
  readonly offline?: boolean;
  /** Where progress goes; nowhere when it is left out. */
  readonly stream?: TextStream;
  /** Where pulled weights are kept. */
  readonly folder?: string;
}

/**
 * The weights file of an entry, fetched and imported unless it was before; what comes with the packages is there. Of several processes
 * that want the same one the first makes it, and the others wait.
 *
 * @returns its path.
 * @throws PspnetError as {@link download} and the import; "environment" when it is not there and nobody is to be asked.
 */
export async function pull(entry: ZooEntry, options: PullOptions = {}): Promise<string> {
  const { offline = isOffline(), signal, stream, folder = pullFolder() } = options;
  if (entry === BOXED) return boxedFile();
  const place = join(folder, entry.name);
  const out = pulledFile(entry, folder);
  if (existsSync(out)) return out;
  if (!entry.supported)
    throw new PspnetError(
      "weights",
      `${entry.name}: expected a network that pspnet has, found one on ${entry.backbone}`,
    );
  const files = entry.files.map(({ url }) => join(place, basename(url)));
  if (offline && !files.every(existsSync))
    throw new PspnetError(
      "environment",
      `${entry.name}: expected in ${place}, found nothing whole, and the network is not to be asked${byHand(entry)}`,
    );
  await made(place);
  await using lock = new FolderLock({ what: "a folder", doing: "pulls into it" });
  const say = (message: string) => stream?.write(`${message}\n`);
  await lock.wait(place, { signal, onWait: say });
  if (lock.leftBehind) say(lock.leftBehind);
  if (existsSync(out)) return out;
  for (const [i, file] of files.entries()) if (!existsSync(file)) await fetchFile(entry, i, file, options);
  await convert(entry, files, out);
  return out;
}

/** Where the weights file of an entry is, once it was pulled. */
export function pulledFile({ name }: ZooEntry, folder = pullFolder()): string {
  return join(folder, name, `${name}.safetensors`);
}

async function made(folder: string): Promise<void> {
  await makeFolder(folder).catch(async (cause) => {
    throw await writeError(cause, { path: folder, needed: 0, kept: "nothing was fetched" });
  });
}

async function fetchFile(entry: ZooEntry, index: number, file: string, options: PullOptions): Promise<void> {
  const { unverified, signal, stream } = options;
  const line = new DownloadLine(basename(file), stream);
  const onProgress = (done: number, total: number | null) => line.update(done, total);
  const onTrouble = (message: string) => line.say(message);
  const mend = byHand(entry);
  await download(entry.files[index], file, { unverified, signal, mend, onProgress, onTrouble }).finally(() =>
    line.finish(),
  );
}

/** How to come by an entry where the network does not give it. */
function byHand({ name, short, files, fields, crop, licence }: ZooEntry): string {
  const keys = Object.entries(fields).flatMap(([part, values]) =>
    Object.entries(values).map(([key, value]) => `${part}.${key}=${JSON.stringify(value)}`),
  );
  const words = [
    ...files.map(({ url }) => basename(url)),
    ...keys,
    ...(crop ? ["--crop", String(crop)] : []),
    "--licence",
    licence,
    "--out",
    `${short ?? name}.safetensors`,
  ];
  const addresses = files.map(({ url }) => `  ${url}`).join("\n");
  return `\nBy hand: fetch\n${addresses}\nand import it:\n  npx pspnet import ${words.map(shellWord).join(" ")}`;
}
