import { isRecord, withoutUndefined } from "../config/kind.js";
import { PARTS, type PartName, type PSPNetParts } from "./parts.js";

/** Where the fields of version 1, which stood side by side, stand in the parts. */
const PLACES = {
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

/** The flags by which version 1 left a part out. */
const FLAGS = { ppm: "pyramid", aux: "auxiliary" } as const;

type FieldAt<Config, Name extends string> = Config extends Readonly<Record<Name, infer T>> ? T : never;
type ValueAt<Place> = Place extends `${infer Part extends PartName}.${infer Name}`
  ? FieldAt<PSPNetParts[Part], Name>
  : never;

/** The fields of version 1. */
export type FlatFields = {
  readonly [Name in keyof typeof PLACES]?: ValueAt<(typeof PLACES)[Name][number]> | undefined;
} & { readonly [Name in keyof typeof FLAGS]?: boolean | undefined };

/** Where each flat field stands now. */
export const FLAT_FIELDS: Readonly<Record<string, readonly string[]>> = {
  ...PLACES,
  ...Object.fromEntries(Object.entries(FLAGS).map(([flag, part]) => [flag, [`${part}.kind`]])),
};

/**
 * What is given of a network's configuration, in its parts, over a `base` that is. Flat fields of version 1 go to their places;
 * one that is given there too stays where it is, for `completeParts` to refuse. A part of another kind starts afresh.
 */
export function inParts(given: unknown, base: unknown = {}): unknown {
  if (given === undefined || !isRecord(base)) return base;
  if (!isRecord(given)) return given;
  const said = withoutUndefined(given);
  const parts = { ...base };
  for (const [key, value] of Object.entries(said))
    if (!Object.hasOwn(FLAT_FIELDS, key)) parts[key] = over(key, parts[key], value);
  for (const [flag, part] of Object.entries(FLAGS)) {
    if (!(flag in said)) continue;
    const kinds = new Map<unknown, string>([
      [true, PARTS[part][0].name],
      [false, "none"],
    ]);
    const kind = kinds.get(said[flag]) ?? said[flag];
    if (part in said) parts[flag] = said[flag];
    else parts[part] = over(part, parts[part], { kind });
  }
  for (const [name, places] of Object.entries(PLACES)) {
    if (!(name in said)) continue;
    const homes = places.map((place) => place.split(".")).filter(([part]) => kindOf(part, parts[part]) !== "none");
    if (homes.some(([part, field]) => isRecord(said[part]) && field in said[part])) parts[name] = said[name];
    else for (const [part, field] of homes) parts[part] = over(part, parts[part], { [field]: said[name] });
  }
  return parts;
}

function over(part: string, before: unknown, now: unknown): unknown {
  if (before === undefined || !isRecord(now)) return now;
  if (!isRecord(before)) return before;
  const sameKind = now.kind === undefined || now.kind === kindOf(part, before);
  return sameKind ? { ...before, ...now } : now;
}

function kindOf(part: string, config: unknown): unknown {
  return (isRecord(config) ? config.kind : undefined) ?? PARTS[part as PartName]?.[0].name;
}
