import { complete, describeKinds, type KeyDescription } from "../config/complete.js";
import { mismatch, type Problem } from "../config/problem.js";
import { isRecord } from "../config/record.js";
import { nearest, unknownKey } from "../config/suggest.js";
import { PspnetError } from "../error.js";
import { PRESETS, presetNamed } from "../presets/presets.js";
import { FLAT_FIELDS, type FlatFields, inParts } from "./flatFields.js";
import { type GivenParts, PARTS, type PSPNetParts } from "./parts.js";

/** Every place where implementations of PSPNet differ; stored with the weights. */
export interface PSPNetConfig extends PSPNetParts {
  readonly classes: number;
}

/** What is said of a network: part by part, or by the flat fields of version 1. */
export interface NetworkFields extends GivenParts, FlatFields {
  /** The published network that it is as where nothing else is said; the official PyTorch release's when this is left out. */
  readonly preset?: string | undefined;
}

export type PSPNetFields = NetworkFields & Pick<PSPNetConfig, "classes">;

/**
 * The official PyTorch release's network, with what `fields` says otherwise, part by part:
 * `pspnetConfig({ classes: 19, backbone: { layers: 101 }, pyramid: { kind: "none" } })`. The flat fields of version 1
 * (`layers: 101, ppm: false`) are taken too, and put in their parts.
 *
 * @throws PspnetError "config" naming each wrong field, what it may be and what it is.
 */
export function pspnetConfig({ classes, ...fields }: PSPNetFields): PSPNetConfig {
  const { parts, problems } = completeParts(fields);
  const wrong = [...(isClassCount(classes) ? [] : [mismatch(["classes"], CLASSES, classes)]), ...problems];
  if (wrong.length === 0) return { classes, ...parts };
  const lines = wrong.map(({ path, message }) => ["pspnetConfig", path.join("."), message].filter(Boolean).join(": "));
  throw new PspnetError("config", lines.join("\n"));
}

/** The parts of a network with their defaults; they are of no use when something is wrong with what is given of them. */
export function completeParts(given: unknown): { readonly parts: PSPNetParts; readonly problems: readonly Problem[] } {
  const { base, rest, problems: unknown } = onPreset(given);
  const said = inParts(rest, base);
  if (!isRecord(said)) return { parts: {} as PSPNetParts, problems: [mismatch([], "fields with their values", said)] };
  const completed = Object.entries(PARTS).map(([part, kinds]) => ({ part, ...complete(kinds, said[part]) }));
  const strangers = Object.keys(said).filter((key) => !Object.hasOwn(PARTS, key));
  return {
    parts: Object.fromEntries(completed.map(({ part, config }) => [part, config])) as unknown as PSPNetParts,
    problems: [
      ...unknown,
      ...strangers.map((key) => ({ path: [], unknown: key, message: stranger(key) })),
      ...completed.flatMap(({ part, problems }) =>
        problems.map((problem) => ({ ...problem, path: [part, ...problem.path] })),
      ),
    ],
  };
}

/** Takes the preset out of what is given, to stand below the rest. */
function onPreset(given: unknown): {
  readonly base: GivenParts;
  readonly rest: unknown;
  readonly problems: readonly Problem[];
} {
  if (!isRecord(given) || given.preset === undefined) return { base: {}, rest: given, problems: [] };
  const { preset: name, ...rest } = given;
  const preset = presetNamed(name);
  if (preset) return { base: preset.parts, rest, problems: [] };
  const near = nearest(
    String(name),
    PRESETS.map((one) => one.name),
  );
  const mend = near ? `did you mean "${near}"?` : "`pspnet models` lists them";
  return { base: {}, rest, problems: [mismatch(["preset"], `the name of a published network (${mend})`, name)] };
}

/** The keys of a network's configuration with default and meaning. */
export function describeParts(): KeyDescription[] {
  const meaning = "published network to be as where nothing else is said; its crop too. `pspnet models` lists them";
  const parts = Object.entries(PARTS).flatMap(([part, kinds]) => describeKinds(part, kinds));
  return [{ key: "preset", fallback: "", meaning }, ...parts];
}

const CLASSES = "a whole number from 2 to 255 (label 255 is ignored)";

function isClassCount(classes: unknown): boolean {
  return Number.isInteger(classes) && (classes as number) >= 2 && (classes as number) <= 255;
}

function stranger(key: string): string {
  if (!Object.hasOwn(FLAT_FIELDS, key)) return unknownKey(key, [...Object.keys(PARTS), ...Object.keys(FLAT_FIELDS)]);
  return `${key}: stands for ${FLAT_FIELDS[key].join(" and ")}, which is given too; leave out one of them`;
}
