import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { PspnetError } from "@pspnet/core";
import type { DataConfig } from "../config/schema.js";
import { classesOf } from "./classNames.js";
import { type DatasetSource, type Pair, plainIds } from "./source.js";

/**
 * A list file as the official release reads it (`util/dataset.py`): `image label` a line, one space between, relative to the
 * root (a leading "/" is dropped, not obeyed). Unlike there, every file must exist.
 *
 * @throws PspnetError "data" when there is no such file.
 */
export async function openList(description: DataConfig, split: string): Promise<DatasetSource> {
  const file = resolve(description.root, split);
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    throw new PspnetError(
      "data",
      `${file}: expected a list file of "image label" lines (${(cause as Error).message})`,
      { cause },
    );
  }
  const pairs: Pair[] = [];
  const problems: string[] = [];
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "") continue;
    const read = parseLine(line.trim(), { at: `${file}:${i + 1}`, root: description.root });
    if ("problem" in read) problems.push(read.problem);
    else pairs.push(read);
  }
  const classes = await classesOf(description);
  return { pairs, problems, classes, ids: plainIds(classes.names.length) };
}

function parseLine(
  line: string,
  { at, root }: { readonly at: string; readonly root: string },
): Pair | { readonly problem: string } {
  const parts = line.split(" ");
  if (parts.length === 1) {
    const mend = "such a test list can be predicted, but neither trains nor scores";
    return { problem: `${at}: expected "image label", found no label: "${line}"; ${mend}` };
  }
  if (parts.length !== 2) {
    const expected = `expected "image label", two paths with one space between and none inside`;
    return { problem: `${at}: ${expected}, found ${parts.length} parts: "${line}"` };
  }
  const [image, mask] = parts.map((part) => join(root, part));
  const missing = [image, mask].filter((path) => !existsSync(path));
  if (missing.length > 0) {
    return { problem: `${at}: ${missing.join(" and ")} missing; mend the list or data.root (${root})` };
  }
  return { id: parts[0], image, mask };
}
