import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";
import { PspnetError } from "@pspnet/core";
import type { DatasetFormat } from "./format.js";
import type { Pair } from "./source.js";

/**
 * A list file as the official release reads it (`util/dataset.py`): `image label` a line, one space between, or `image` alone
 * where there is none; relative to the root (a leading "/" is dropped, not obeyed). Unlike there, every file must exist, and a tab may
 * stand between, so that paths may hold spaces.
 */
export const listFile: DatasetFormat = {
  name: "list",
  layout: () => "a list file as data.train or data.val",
  detect: ({ train, val }, split) => [train, val, split].some((name) => /\.(txt|lst)$/.test(name)),
  open: async ({ root }, split) => {
    const file = resolve(root, split);
    const pairs: Pair[] = [];
    const problems: string[] = [];
    for (const [i, line] of (await readList(file)).split(/\r?\n/).entries()) {
      if (line.trim() === "") continue;
      const read = parseLine(line.trim(), { at: `${file}:${i + 1}`, root });
      if ("problem" in read) problems.push(read.problem);
      else pairs.push(read);
    }
    return { pairs, problems };
  },
};

/** The list file of pairs: paths below `root`, or beside it. */
export function formatList(pairs: readonly Pick<Pair, "image" | "mask">[], root: string): string {
  const below = (path: string) => relative(root, path).split(sep).join("/");
  const lines = pairs.map(({ image, mask }) => (mask === null ? [below(image)] : [below(image), below(mask)]));
  const between = lines.flat().some((path) => path.includes(" ")) ? "\t" : " ";
  return lines.map((paths) => `${paths.join(between)}\n`).join("");
}

async function readList(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    const found = (cause as Error).message;
    throw new PspnetError("data", `${file}: expected a list file of "image label" lines (${found})`, { cause });
  }
}

function parseLine(
  line: string,
  { at, root }: { readonly at: string; readonly root: string },
): Pair | { readonly problem: string } {
  const parts = line.split(line.includes("\t") ? "\t" : " ");
  if (parts.length > 2) {
    const expected = `expected "image label", two paths with one space between and none inside, or one tab`;
    return { problem: `${at}: ${expected}, found ${parts.length} parts: "${line}"` };
  }
  const [image, mask = null] = parts.map((part) => join(root, part));
  const missing = [image, mask].filter((path) => path !== null && !existsSync(path));
  if (missing.length > 0) {
    return { problem: `${at}: ${missing.join(" and ")} missing; mend the list or data.root (${root})` };
  }
  return { id: parts[0], image, mask };
}
