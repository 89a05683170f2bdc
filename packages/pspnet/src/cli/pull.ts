import { type PullOptions, pull } from "../pull/pull.js";
import { datasetTitle, type ZooEntry, zooEntry } from "../pull/zoo.js";
import { fromHere, interruptible, messages, print, printJson } from "./terminal.js";

interface PullFlags extends Pick<PullOptions, "offline" | "unverified"> {
  readonly json?: true;
}

export async function pullAll(names: readonly string[], { json, ...flags }: PullFlags): Promise<void> {
  const entries = names.map(zooEntry);
  const pulled: (ZooEntry & { readonly file: string })[] = [];
  await interruptible(async (signal) => {
    for (const entry of entries) {
      const file = await pull(entry, { ...flags, signal, stream: messages });
      pulled.push({ ...entry, file });
      if (!json) print(`${entry.short ?? entry.name}: ${fromHere(file)}\n  ${told(entry)}`);
    }
  });
  if (json) printJson(pulled);
}

function told(entry: ZooEntry): string {
  const { alone, licence, score, source } = entry;
  return `${alone ? "top-1" : "mIoU"} ${score} % on ${datasetTitle(entry)} as ${source} published it; ${licence}`;
}
