import { type ClassList, IGNORE, numberedClasses, PspnetError, type Rgb } from "@pspnet/core";
import { BINARY_IDS } from "./binaryMasks.js";
import { type IdMap, type IgnoreList, ignoredValues, leastClasses } from "./ids.js";
import { maskContents } from "./masks.js";
import { spread } from "./spread.js";

/** Masks that are looked at. */
const LOOKED_AT = 500;
const MOST_CLASSES = 255;

/** Classes that nobody named, as masks show them. */
export interface InferredClasses {
  readonly classes: ClassList;
  readonly ids?: IdMap;
  readonly note: string;
}

/** What is said of masks whose classes nobody named. */
export interface SaidOfMasks {
  readonly ids?: IdMap;
  readonly ignore?: IgnoreList;
}

/**
 * The classes that masks show, or that is said of their ids: their ids from 0, with 255 as none; 0 and 255 alone as two; each id where they are far between, and each
 * colour, the darkest first.
 *
 * @throws PspnetError "data" for masks that hold nothing of the kind.
 */
export async function inferClasses(
  masks: readonly string[],
  { ids, ignore = [] }: SaidOfMasks = {},
): Promise<InferredClasses> {
  if (ids !== undefined)
    return { classes: numberedClasses(Math.max(leastClasses(ids), 2)), note: "the classes are those of data.ids" };
  const ignored = ignoredValues(ignore);
  const held = { ids: new Set<number>(), colours: new Set<number>() };
  for (const path of spread(masks, LOOKED_AT)) {
    const contents = await maskContents(path).catch(() => null);
    for (const value of contents?.pixels.keys() ?? [])
      if (!ignored[contents!.hold].has(value)) held[contents!.hold].add(value);
    if (held.colours.size > MOST_CLASSES) {
      const found = `${held.colours.size} colours or more; save masks without smoothing or JPEG's loss, or as ids`;
      throw new PspnetError("data", `${path}: expected a mask of at most ${MOST_CLASSES} colours, found ${found}`);
    }
  }
  if (held.ids.size > 0 && held.colours.size > 0) {
    const mend = "save them all alike";
    throw new PspnetError("data", `${masks[0]}: expected masks of ids or of colours, found both beside it; ${mend}`);
  }
  return held.colours.size > 0
    ? ofColours(sorted(held.colours))
    : ofIds(sorted(held.ids), { masks, ignored: ignored.ids });
}

const sorted = (values: ReadonlySet<number>) => [...values].sort((a, b) => a - b);

function ofColours(colours: readonly number[]): InferredClasses {
  const names = colours.map((key) => `#${key.toString(16).padStart(6, "0")}`);
  const palette = colours.map((key): Rgb => [key >> 16, (key >> 8) & 255, key & 255]);
  const ids = Object.fromEntries(names.map((name, label) => [name, label]));
  return checked(
    { classes: { names, palette }, ids, note: `masks of ${names.length} colours: each is a class` },
    colours,
  );
}

function ofIds(
  ids: readonly number[],
  { masks, ignored }: { readonly masks: readonly string[]; readonly ignored: ReadonlySet<number> },
): InferredClasses {
  if (ids.length === 0)
    throw new PspnetError("data", `${masks[0] ?? "masks"}: expected masks that can be read, found none`);
  if (ids.join() === `0,${IGNORE}`) {
    const { palette } = numberedClasses(2);
    const classes = { names: ["background", "foreground"], palette };
    return { classes, ids: BINARY_IDS, note: "masks of 0 and 255 alone: background and foreground" };
  }
  const below = ids.filter((id) => id !== IGNORE);
  const highest = below.at(-1) ?? 0;
  // Ids such as 0, 128, 255 are levels of grey that stand for classes; with few gaps they are counted from 0, unless that is none.
  const levels = highest + 1 > 2 * below.length;
  if (levels || ignored.has(0)) {
    const each = levels ? ids : below;
    const map = Object.fromEntries(each.map((id, label) => [id, label]));
    return checked(
      { classes: numberedClasses(each.length), ids: map, note: `masks of ids ${each.join(", ")}: each is a class` },
      each,
    );
  }
  const none = ids.includes(IGNORE) ? `, and ${IGNORE} for none` : "";
  return checked(
    { classes: numberedClasses(Math.max(highest + 1, 2)), note: `masks of ids 0 to ${highest}${none}` },
    ids,
  );
}

/** @throws PspnetError "data" where there is nothing to tell apart. */
function checked(inferred: InferredClasses, found: readonly number[]): InferredClasses {
  if (found.length >= 2) return inferred;
  throw new PspnetError(
    "data",
    `expected masks of at least 2 classes, found ${inferred.classes.names[0]} in all of them`,
  );
}
