import type { IdMap } from "../ids.js";

type Run = readonly [id: number, label: number, length: number];

/** `data.ids` for ids and their classes, those that count up together in one entry: `7-8: 0-1`. */
export function idRanges(labels: Iterable<readonly [id: number, label: number]>): IdMap {
  return Object.fromEntries(
    runsOf(labels).map(([id, label, length]) => [`${range(id, length)}`, range(label, length)]),
  );
}

/** Ids as `data.ignore` lists them: `0-6`, `9`. */
export function rangesOf(ids: readonly number[]): (number | string)[] {
  return runsOf(ids.map((id) => [id, id])).map(([id, , length]) => range(id, length));
}

function runsOf(labels: Iterable<readonly [id: number, label: number]>): Run[] {
  const runs: [id: number, label: number, length: number][] = [];
  for (const [id, label] of labels) {
    const last = runs.at(-1);
    if (last && id === last[0] + last[2] && label === last[1] + last[2]) last[2]++;
    else runs.push([id, label, 1]);
  }
  return runs;
}

const range = (first: number, length: number) => (length === 1 ? first : `${first}-${first + length - 1}`);
