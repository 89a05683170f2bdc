import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { PspnetError } from "@pspnet/core";

/** The files below a folder that a pattern means, sorted, "/" between the parts; none where there is no such folder. */
export async function filesBelow(folder: string, pattern: string | readonly string[]): Promise<string[]> {
  if (!existsSync(folder)) return [];
  // Help names the datasets, and needs nothing but the command line.
  const { glob } = await import("tinyglobby");
  return (await glob(pattern, { cwd: folder, caseSensitiveMatch: false, expandDirectories: false })).sort();
}

/**
 * The first of some places below a folder that holds all of `parts`.
 *
 * @throws PspnetError "data" saying what was expected.
 */
export function rootWith(folder: string, places: readonly string[], parts: readonly string[]): string {
  const found = ["", ...places].map((place) => join(folder, place)).find((place) => hasAll(place, parts));
  if (found !== undefined) return found;
  throw new PspnetError("data", `${folder}: expected ${parts.join(" and ")} in it, found ${missing(folder, parts)}`);
}

const hasAll = (place: string, parts: readonly string[]) => parts.every((part) => existsSync(join(place, part)));

function missing(folder: string, parts: readonly string[]): string {
  const there = parts.filter((part) => existsSync(join(folder, part)));
  return there.length > 0 ? `${there.join(" and ")} alone` : "none of them";
}

/** The words of a text file, a line each; null where there is no such file. */
export async function readLines(file: string): Promise<string[] | null> {
  const text = await readFile(file, "utf8").catch(() => null);
  return text === null ? null : text.split(/\r?\n/).flatMap((line) => line.trim() || []);
}
