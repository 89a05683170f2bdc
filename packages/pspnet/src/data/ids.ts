import { IGNORE, PspnetError, type Rgb } from "@pspnet/core";

/**
 * Classes by what masks hold: one id (`7: 3`), ids that become one class (`7-9: 3`), ids counting up with them (`1-150: 0-149`), or a
 * colour (`"#804080": 3`, or `128 64 128: 3`).
 */
export type IdMap = Readonly<Record<string, number | string>>;

/** What of masks is no class: ids (`11`), ranges of them (`0-6`) or colours (`"#000000"`). */
export type IgnoreList = readonly (number | string)[];

/** Marks ids that a mask must not hold. */
export const UNKNOWN = 0xffff;

export interface IdTableOptions {
  /** Number of the classes. */
  readonly count: number;
  /** Where it names no id, each id below the count is its own class. */
  readonly ids?: IdMap;
  /** What is no class, whatever `ids` says. */
  readonly ignore?: IgnoreList;
  /** Ids that are no class unless `ids` says otherwise; 255 always is one. */
  readonly usuallyIgnored?: IgnoreList;
}

/**
 * The class of each id that a mask may hold: 256 entries, {@link IGNORE} for none, {@link UNKNOWN} for an id that must not be.
 *
 * @throws PspnetError "config" naming the entry of `data.ids` or `data.ignore` that does not fit.
 */
export function idTable({ count, ids = {}, ignore = [], usuallyIgnored = [] }: IdTableOptions): Uint16Array {
  const table = new Uint16Array(256).fill(UNKNOWN);
  for (const { id } of ignored([IGNORE, ...usuallyIgnored])) if (id !== undefined) table[id] = IGNORE;
  const own = `0-${Math.min(count, IGNORE) - 1}`;
  const given = [...classes(ids, count)];
  const byId = given.some(({ id }) => id !== undefined) ? given : classes({ [own]: own }, count);
  for (const { id, label } of byId) if (id !== undefined) table[id] = label;
  for (const { id } of ignored(ignore)) if (id !== undefined) table[id] = IGNORE;
  return table;
}

/** What colours of masks mean. */
export interface ColourTable {
  /** What each stands for, by {@link colourKey}: a class, {@link IGNORE}, or why that cannot be said. */
  readonly labels: ReadonlyMap<number, number | string>;
  /** Whether palette PNGs are read by their colours as well, and not by their indices: `ids` speaks of colours. */
  readonly ofPalettes: boolean;
}

export interface ColourTableOptions extends Omit<IdTableOptions, "usuallyIgnored"> {
  /** The classes' own colours, where they have some. */
  readonly palette?: readonly Rgb[];
}

/**
 * What the colours of masks mean: those of the classes their classes, black none unless it is a class's own, and what `ids` and
 * `ignore` say of colours before either. Undefined where nothing says a colour's class.
 *
 * @throws PspnetError "config" naming the entry of `data.ids` or `data.ignore` that does not fit.
 */
export function colourTable({ count, palette, ids = {}, ignore = [] }: ColourTableOptions): ColourTable | undefined {
  const given = [...classes(ids, count)].filter(({ colour }) => colour !== undefined);
  if (palette === undefined && given.length === 0) return undefined;
  const table = new Map<number, number | string>([[colourKey(0, 0, 0), IGNORE]]);
  for (const [label, colour] of (palette ?? []).entries()) {
    const key = colourKey(...colour);
    const other = palette!.findIndex((one) => colourKey(...one) === key);
    table.set(key, other < label ? `the colour of classes ${other} and ${label}` : label);
  }
  for (const { colour, label } of given) table.set(colour!, label);
  for (const { colour } of ignored(ignore)) if (colour !== undefined) table.set(colour, IGNORE);
  return { labels: table, ofPalettes: given.length > 0 };
}

export const colourKey = (r: number, g: number, b: number): number => (r << 16) | (g << 8) | b;

/** An id or a colour. */
interface Held {
  readonly id?: number;
  readonly colour?: number;
}

function* classes(ids: IdMap, count: number): Generator<Held & { readonly label: number }> {
  const seen = new Set<number>();
  for (const [key, value] of Object.entries(ids)) {
    const fail = (expected: string): never => {
      const mend = "write for example {1-150: 0-149} or {7: 3}, and ids of no class in data.ignore";
      throw new PspnetError("config", `data.ids: expected ${expected}, found ${key}: ${value}; ${mend}`);
    };
    const [first, last] = range(String(value)) ?? fail("a class or a range of classes");
    if (last >= count) fail(`classes from 0 to ${count - 1}`);
    const colour = parseColour(key);
    if (colour !== null) {
      if (last !== first) fail("one class for a colour");
      yield { colour, label: first };
      continue;
    }
    const [from, to] = range(key) ?? fail("an id, a range of ids or a colour such as #804080");
    if (to > 255) fail("ids from 0 to 255");
    if (last !== first && last - first !== to - from) fail("as many classes as ids");
    for (let id = from; id <= to; id++) {
      if (seen.has(id)) fail(`one class for id ${id}`);
      seen.add(id);
      yield { id, label: last === first ? first : first + id - from };
    }
  }
}

function* ignored(list: IgnoreList): Generator<Held> {
  for (const entry of list) {
    const colour = parseColour(String(entry));
    if (colour !== null) {
      yield { colour };
      continue;
    }
    const [from, to] = range(String(entry)) ?? [0, Number.POSITIVE_INFINITY];
    if (to > 255) {
      const expected = "expected ids from 0 to 255, ranges of them such as 0-6, or colours such as #000000";
      throw new PspnetError("config", `data.ignore: ${expected}, found ${entry}`);
    }
    for (let id = from; id <= to; id++) yield { id };
  }
}

/** The ids and the colours, by {@link colourKey}, that a list says. */
export function ignoredValues(list: IgnoreList): Readonly<Record<"ids" | "colours", ReadonlySet<number>>> {
  const held = [...ignored(list)];
  return {
    ids: new Set(held.flatMap(({ id }) => id ?? [])),
    colours: new Set(held.flatMap(({ colour }) => colour ?? [])),
  };
}

/** How many classes there are at least for what a map says. */
export function leastClasses(ids: IdMap): number {
  return Math.max(...[...classes(ids, IGNORE)].map(({ label }) => label)) + 1;
}

/** Both ends of "3" or "3-7". */
function range(text: string): [from: number, to: number] | null {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text);
  if (!match) return null;
  const [from, to] = [Number(match[1]), Number(match[2] ?? match[1])];
  return to < from ? null : [from, to];
}

/** The key of "#804080" or "128 64 128". */
function parseColour(text: string): number | null {
  const hex = /^#([0-9a-f]{6})$/i.exec(text);
  if (hex) return Number.parseInt(hex[1], 16);
  const parts = /^(\d+) (\d+) (\d+)$/.exec(text)?.slice(1).map(Number);
  return parts?.every((part) => part <= 255) ? colourKey(parts[0], parts[1], parts[2]) : null;
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
