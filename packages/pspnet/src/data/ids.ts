import { IGNORE, PspnetError } from "@pspnet/core";

/** Classes by id in the masks: one id (`7: 3`), ids that become one class (`7-9: 3`), or ids counting up with them (`1-150: 0-149`). */
export type IdMap = Readonly<Record<string, number | string>>;

/** Marks ids that a mask must not hold. */
export const UNKNOWN = 0xffff;

export interface IdTableOptions {
  /** Number of the classes. */
  readonly count: number;
  /** Left out: each id below the count is its own class. */
  readonly ids?: IdMap;
  /** Ids that are no class, whatever `ids` says. */
  readonly ignore?: readonly number[];
  /** Ids that are no class unless `ids` says otherwise; 255 always is one. */
  readonly usuallyIgnored?: readonly number[];
}

/**
 * The class of each id that a mask may hold: 256 entries, {@link IGNORE} for none, {@link UNKNOWN} for an id that must not be.
 *
 * @throws PspnetError "config" naming the entry of `data.ids` that does not fit.
 */
export function idTable({ count, ids, ignore = [], usuallyIgnored = [] }: IdTableOptions): Uint16Array {
  const table = new Uint16Array(256).fill(UNKNOWN);
  for (const id of [IGNORE, ...usuallyIgnored]) table[id] = IGNORE;
  const own = `0-${Math.min(count, IGNORE) - 1}`;
  for (const [id, label] of classById(ids ?? { [own]: own }, count)) table[id] = label;
  for (const id of ignore) table[id] = IGNORE;
  return table;
}

function* classById(ids: IdMap, count: number): Generator<[id: number, label: number]> {
  const seen = new Set<number>();
  for (const [key, value] of Object.entries(ids)) {
    const fail = (expected: string): never => {
      const mend = "write for example {1-150: 0-149} or {7: 3}, and ids of no class in data.ignore";
      throw new PspnetError("config", `data.ids: expected ${expected}, found ${key}: ${value}; ${mend}`);
    };
    const [from, to] = range(key) ?? fail("an id or a range of ids");
    const [first, last] = range(String(value)) ?? fail("a class or a range of classes");
    if (to > 255) fail("ids from 0 to 255");
    if (last >= count) fail(`classes from 0 to ${count - 1}`);
    if (last !== first && last - first !== to - from) fail("as many classes as ids");
    for (let id = from; id <= to; id++) {
      if (seen.has(id)) fail(`one class for id ${id}`);
      seen.add(id);
      yield [id, last === first ? first : first + id - from];
    }
  }
}

/** Both ends of "3" or "3-7". */
function range(text: string): [from: number, to: number] | null {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text);
  if (!match) return null;
  const [from, to] = [Number(match[1]), Number(match[2] ?? match[1])];
  return to < from ? null : [from, to];
}

/** The ids that a mask may hold, for messages: "0 to 10, or 11, 255 for none". */
export function describeIds(table: Uint16Array): string {
  const ignored = rangesOf(table, (label) => label === IGNORE);
  return rangesOf(table, (label) => label < IGNORE) + (ignored && `, or ${ignored} for none`);
}

function rangesOf(table: Uint16Array, wanted: (label: number) => boolean): string {
  const ranges: [from: number, to: number][] = [];
  for (const [id, label] of table.entries()) {
    if (!wanted(label)) continue;
    const last = ranges.at(-1);
    if (last?.[1] === id - 1) last[1] = id;
    else ranges.push([id, id]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from} to ${to}`)).join(", ");
}
