/** What a weights file says about itself, so that `pspnet predict weights.safetensors photo.jpg` needs nothing else. */
import { isRecord } from "../config/record.js";
import { PspnetError } from "../error.js";
import type { ClassList, Rgb } from "../image/classes.js";
import { type Crop, isCrop } from "../image/crop.js";
import { type PSPNetConfig, type PSPNetFields, pspnetConfig } from "../model/config.js";
import { isQuantisation, type RecordedQuantisation } from "../quantise/quantisation.js";

/** A measured score, and on what. */
export interface RecordedScore {
  readonly meanIoU: number;
  /** Left out where others measured, and did not publish it. */
  readonly pixelAccuracy?: number;
  readonly dataset: string;
  /** How images were looked at, in words, where that is known. */
  readonly protocol?: string;
}

export interface ModelDescription {
  readonly config: PSPNetConfig;
  readonly classes: ClassList;
  /** Of training, and the size that images are expected to have. */
  readonly crop: Crop;
  readonly licence: string;
  readonly score?: RecordedScore;
  /** The command that measured the score. */
  readonly command?: string;
  /** The address of the checkpoint that the weights were imported from. */
  readonly origin?: string;
  /** Of weights that can be run in int8. */
  readonly quantisation?: RecordedQuantisation;
}

type Metadata = Readonly<Record<string, string>>;

/** Marks a file of ours, and the version of what follows. */
const MARK = "pspnet";
const VERSION = "2";

/** Makes of a version's metadata the next one's. */
const MIGRATIONS: Readonly<Record<string, (metadata: Metadata, source: string) => Metadata>> = {
  // The fields of the network stood side by side, which `pspnetConfig` still takes, and the normalisation beside them.
  "1": ({ mean, std, channelOrder = null, ...metadata }, source) => {
    const field = fieldReader({ ...metadata, mean, std }, source);
    const triple = (key: string) => field(key, "three numbers", isTriple);
    const input = { mean: triple("mean"), std: triple("std"), channelOrder };
    return { ...metadata, [MARK]: "2", config: JSON.stringify({ ...field("config", "an object", isRecord), input }) };
  },
};

/** The description as a safetensors file's metadata: one entry a field, JSON where it is not plain text. */
export function describeWeights(description: ModelDescription): Record<string, string> {
  const { config, classes, crop, licence, score, command, origin, quantisation } = description;
  checkCount(classes, config);
  return {
    [MARK]: VERSION,
    config: JSON.stringify(config),
    names: JSON.stringify(classes.names),
    palette: JSON.stringify(classes.palette),
    crop: JSON.stringify(crop),
    licence,
    ...(score && { score: JSON.stringify(score) }),
    ...(command && { command }),
    ...(origin && { origin }),
    ...(quantisation && { quantisation: JSON.stringify(quantisation) }),
  };
}

/** Whether {@link describeWeights}, of any version, wrote this. */
export function isDescription(metadata: Readonly<Record<string, unknown>>): boolean {
  return metadata[MARK] !== undefined;
}

/**
 * Reads back what {@link describeWeights} wrote, now or in an earlier version.
 *
 * @param options.source The file, for messages.
 * @throws PspnetError "weights" for a file without description or of a later version, "config" or "format" for a wrong field.
 */
export function parseDescription(
  found: Metadata,
  { source = "weights" }: { readonly source?: string } = {},
): ModelDescription {
  const metadata = migrated(found, source);
  const { licence, score, command, origin, quantisation } = metadata;
  const field = fieldReader(metadata, source);
  const config = pspnetConfig(field("config", "an object", isRecord) as unknown as PSPNetFields);
  const classes: ClassList = {
    names: field("names", "a list of strings", isStrings),
    palette: field("palette", "a list of [red, green, blue]", isPalette),
  };
  checkCount(classes, config);
  return {
    config,
    classes,
    crop: field("crop", "a whole number above 0, or [height, width]", isCrop),
    licence: licence ?? "",
    ...(score !== undefined && { score: field("score", "meanIoU and dataset", isScore) }),
    ...(command !== undefined && { command }),
    ...(origin !== undefined && { origin }),
    ...(quantisation !== undefined && {
      quantisation: field("quantisation", "calibration, outcome, and ranges [low, high] around 0", isQuantisation),
    }),
  };
}

function migrated(metadata: Metadata, source: string): Metadata {
  const version = metadata[MARK];
  if (version === VERSION) return metadata;
  if (Object.hasOwn(MIGRATIONS, version)) return migrated(MIGRATIONS[version](metadata, source), source);
  const found = version === undefined ? "a plain safetensors file" : `version ${version}`;
  const mend = "take one that `pspnet train` wrote, or update pspnet";
  throw new PspnetError(
    "weights",
    `${source}: expected weights that describe themselves (version ${VERSION} or before), found ${found}; ${mend}`,
  );
}

/** Reads JSON fields: `field(key, expected, holds)`. */
function fieldReader(metadata: Metadata, source: string) {
  return <T>(key: string, expected: string, holds: (value: unknown) => value is T): T => {
    let value: unknown;
    try {
      value = JSON.parse(metadata[key] ?? "null");
    } catch {
      return fail(source, key, expected);
    }
    return holds(value) ? value : fail(source, key, expected);
  };
}

function checkCount({ names, palette }: ClassList, { classes }: PSPNetConfig): void {
  if (names.length === classes && palette.length === classes) return;
  const found = `${names.length} names and ${palette.length} colours`;
  throw new PspnetError("weights", `class list: expected ${classes} names and colours, one a class, found ${found}`);
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function isTriple(value: unknown): value is [number, number, number] {
  return Array.isArray(value) && value.length === 3 && value.every((item) => Number.isFinite(item));
}

function isPalette(value: unknown): value is Rgb[] {
  return Array.isArray(value) && value.every(isTriple);
}

function isScore(value: unknown): value is RecordedScore {
  return (
    isRecord(value) &&
    [value.meanIoU, value.pixelAccuracy ?? 0].every(Number.isFinite) &&
    [value.dataset, value.protocol ?? ""].every((text) => typeof text === "string")
  );
}

function fail(source: string, key: string, expected: string): never {
  throw new PspnetError("format", `${source}: metadata ${key}: expected ${expected}; the file is damaged`);
}
