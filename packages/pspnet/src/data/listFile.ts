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
 * @throws PspnetError "data" naming the list's line.
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
  const lines = text.split(/\r?\n/).map((line, i) => ({ line: line.trim(), at: `${file}:${i + 1}` }));
  const pairs = lines
    .filter(({ line }) => line !== "")
    .map(({ line, at }) => parseLine(line, { at, root: description.root }));
  const classes = await classesOf(description);
  return { pairs, classes, ids: plainIds(classes.names.length) };
}

function parseLine(line: string, { at, root }: { readonly at: string; readonly root: string }): Pair {
  const parts = line.split(" ");
  if (parts.length !== 2) {
    throw new PspnetError(
      "data",
      `${at}: expected "image label", two paths with one space between and none inside, found ${parts.length} parts: "${line}"`,
    );
  }
  const [image, mask] = parts.map((part) => join(root, part));
  for (const path of [image, mask]) {
    if (!existsSync(path))
      throw new PspnetError(
        "data",
        `${at}: expected the file ${path}, which is missing; mend the list or data.root (${root})`,
      );
  }
  return { id: parts[0], image, mask };
}
