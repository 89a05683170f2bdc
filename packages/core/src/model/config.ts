import { complete, describeKinds, type KeyDescription } from "../config/complete.js";
import { mismatch, type Problem } from "../config/problem.js";
import { isRecord } from "../config/record.js";
import { unknownKey } from "../config/suggest.js";
import { PspnetError } from "../error.js";
import { FLAT_FIELDS, type FlatFields, inParts } from "./flatFields.js";
import { type GivenParts, PARTS, type PSPNetParts } from "./parts.js";

/** Every place where implementations of PSPNet differ; stored with the weights. */
export interface PSPNetConfig extends PSPNetParts {
  readonly classes: number;
}

/** What is said of a network: part by part, or by the flat fields of version 1. */
export type NetworkFields = GivenParts & FlatFields;

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
  const said = inParts(given);
  if (!isRecord(said)) return { parts: {} as PSPNetParts, problems: [mismatch([], "fields with their values", said)] };
  const completed = Object.entries(PARTS).map(([part, kinds]) => ({ part, ...complete(kinds, said[part]) }));
  const strangers = Object.keys(said).filter((key) => !Object.hasOwn(PARTS, key));
  return {
    parts: Object.fromEntries(completed.map(({ part, config }) => [part, config])) as unknown as PSPNetParts,
    problems: [
      ...strangers.map((key) => ({ path: [], unknown: key, message: stranger(key) })),
      ...completed.flatMap(({ part, problems }) =>
        problems.map((problem) => ({ ...problem, path: [part, ...problem.path] })),
      ),
    ],
  };
}

/** The keys of a network's configuration with default and meaning. */
export function describeParts(): KeyDescription[] {
  return Object.entries(PARTS).flatMap(([part, kinds]) => describeKinds(part, kinds));
}

const CLASSES = "a whole number from 2 to 255 (label 255 is ignored)";

function isClassCount(classes: unknown): boolean {
  return Number.isInteger(classes) && (classes as number) >= 2 && (classes as number) <= 255;
}

function stranger(key: string): string {
  if (!Object.hasOwn(FLAT_FIELDS, key)) return unknownKey(key, [...Object.keys(PARTS), ...Object.keys(FLAT_FIELDS)]);
  return `${key}: stands for ${FLAT_FIELDS[key].join(" and ")}, which is given too; leave out one of them`;
}
