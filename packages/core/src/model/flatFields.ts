import { isRecord, withoutUndefined } from "../config/record.js";
import { PARTS, type PartName, type PSPNetParts } from "./parts.js";

/** Where the fields of version 1, which stood side by side, stand in the parts. */
const PLACES = {
  ppm: ["pyramid.kind"],
  aux: ["auxiliary.kind"],
  layers: ["backbone.layers"],
  stem: ["backbone.stem"],
  stemChannels: ["backbone.stemChannels"],
  strideIn: ["backbone.strideIn"],
  ceilPool: ["backbone.ceilPool"],
  firstDilation: ["backbone.firstDilation"],
  outputStride: ["backbone.outputStride"],
  width: ["backbone.width"],
  bins: ["pyramid.bins"],
  pool: ["pyramid.pool"],
  reduction: ["pyramid.reduction"],
  concatOrder: ["pyramid.concatOrder"],
  alignCorners: ["upsampling.alignCorners", "pyramid.alignCorners"],
  headChannels: ["head.channels"],
  auxChannels: ["auxiliary.channels"],
  dropout: ["head.dropout", "auxiliary.dropout"],
  bnEps: ["norm.eps"],
  bnMomentum: ["norm.momentum"],
} as const;

type FieldAt<Config, Name extends string> = Config extends Readonly<Record<Name, infer T>> ? T : never;
type ValueAt<Place> = Place extends `${infer Part extends PartName}.${infer Name}`
  ? FieldAt<PSPNetParts[Part], Name>
  : never;

/** The fields of version 1; `ppm` and `aux` said whether there is such a part. */
export type FlatFields = { readonly [Name in Flag]?: boolean | undefined } & {
  readonly [Name in Exclude<keyof typeof PLACES, Flag>]?: ValueAt<(typeof PLACES)[Name][number]> | undefined;
};
type Flag = "ppm" | "aux";

/** Where each flat field stands now. */
export const FLAT_FIELDS: Readonly<Record<string, readonly string[]>> = PLACES;

/**
 * What is given of a network's configuration, in its parts, over a `base` that is. Flat fields of version 1 go to their places;
 * one that is given there too stays where it is, for `completeParts` to refuse. A part of another kind starts afresh.
 */
export function inParts(given: unknown, base: unknown = {}): unknown {
  if (given === undefined || !isRecord(base)) return base;
  if (!isRecord(given)) return given;
  const said = withoutUndefined(given);
  const parts = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(said))
    if (!Object.hasOwn(FLAT_FIELDS, key)) parts.set(key, over(key, parts.get(key), value));
  for (const [name, places] of Object.entries(PLACES)) {
    if (!(name in said)) continue;
    const homes = places
      .map((place) => place.split("."))
      .filter(([part, field]) => mayHave(field, part, parts.get(part)));
    const taken = homes.some(([part, field]) => isRecord(said[part]) && (field === "kind" || field in said[part]));
    if (taken) parts.set(name, said[name]);
    else
      for (const [part, field] of homes)
        parts.set(part, over(part, parts.get(part), { [field]: translated(field, part, said[name]) }));
  }
  return Object.fromEntries(parts);
}

/** Whether a part of this configuration can have the field: one that is left out has none but its kind. */
function mayHave(field: string, part: string, config: unknown): boolean {
  return field === "kind" || kindOf(part, config) !== "none";
}

/** A flag of version 1 says a kind. */
function translated(field: string, part: string, value: unknown): unknown {
  if (field !== "kind" || typeof value !== "boolean") return value;
  return value ? kindOf(part, {}) : "none";
}

function over(part: string, before: unknown, now: unknown): unknown {
  if (before === undefined || !isRecord(now)) return now;
  if (!isRecord(before)) return before;
  const sameKind = now.kind === undefined || now.kind === kindOf(part, before);
  return sameKind ? { ...before, ...now } : now;
}

function kindOf(part: string, config: unknown): unknown {
  const first = Object.hasOwn(PARTS, part) ? PARTS[part as PartName][0].name : undefined;
  return (isRecord(config) ? config.kind : undefined) ?? first;
}
