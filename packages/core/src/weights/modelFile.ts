/** What a weights file says about itself, so that `pspnet predict weights.safetensors photo.jpg` needs nothing else. */
import { PspnetError } from "../error.js";
import type { ClassList, Rgb } from "../image/classes.js";
import type { Normalisation } from "../image/normalise.js";
import { type PSPNetConfig, pspnetConfig } from "../model/config.js";

/** A measured score, and on what. */
export interface RecordedScore {
  readonly meanIoU: number;
  readonly pixelAccuracy: number;
  readonly dataset: string;
}

export interface ModelDescription extends Normalisation {
  readonly config: PSPNetConfig;
  readonly classes: ClassList;
  /** Side of the training crops, and of the windows that predictions slide. */
  readonly crop: number;
  readonly licence: string;
  readonly score?: RecordedScore;
  /** The command that measured the score. */
  readonly command?: string;
}

/** Marks a file of ours, and the version of what follows. */
const MARK = "pspnet";
const VERSION = "1";

/** The description as a safetensors file's metadata: one entry a field, JSON where it is not plain text. */
export function describeWeights(description: ModelDescription): Record<string, string> {
  const { config, classes, mean, std, channelOrder, crop, licence, score, command } = description;
  checkClasses(classes, config);
  return {
    [MARK]: VERSION,
    config: JSON.stringify(config),
    names: JSON.stringify(classes.names),
    palette: JSON.stringify(classes.palette),
    mean: JSON.stringify(mean),
    std: JSON.stringify(std),
    channelOrder,
    crop: String(crop),
    licence,
    ...(score && { score: JSON.stringify(score) }),
    ...(command && { command }),
  };
}

/**
 * Reads back what {@link describeWeights} wrote.
 *
 * @param options.source The file, for messages.
 * @throws PspnetError "weights" for a file without description or of a later version, "config" or "format" for a wrong field.
 */
export function parseDescription(
  metadata: Readonly<Record<string, string>>,
  { source = "weights" }: { readonly source?: string } = {},
): ModelDescription {
  if (metadata[MARK] !== VERSION) {
    const found = metadata[MARK] === undefined ? "a plain safetensors file" : `version ${metadata[MARK]}`;
    const mend = "take one that `pspnet train` wrote, or update pspnet";
    throw new PspnetError(
      "weights",
      `${source}: expected weights that describe themselves (version ${VERSION}), found ${found}; ${mend}`,
    );
  }
  const { channelOrder, crop, licence, score, command } = metadata;
  const field = fieldReader(metadata, source);
  const config = pspnetConfig(field("config", "an object", isRecord) as unknown as PSPNetConfig);
  const classes: ClassList = {
    names: field("names", "a list of strings", isStrings),
    palette: field("palette", "a list of [red, green, blue]", isPalette),
  };
  checkClasses(classes, config);
  if (channelOrder !== "rgb" && channelOrder !== "bgr") fail(source, "channelOrder", "rgb or bgr");
  if (!(Number(crop) > 0 && Number.isInteger(Number(crop)))) fail(source, "crop", "a whole number above 0");
  return {
    config,
    classes,
    mean: field("mean", "three numbers", isTriple),
    std: field("std", "three numbers", isTriple),
    channelOrder,
    crop: Number(crop),
    licence: licence ?? "",
    ...(score !== undefined && { score: field("score", "meanIoU, pixelAccuracy and dataset", isScore) }),
    ...(command !== undefined && { command }),
  };
}

/** Reads JSON fields: `field(key, expected, holds)`. */
function fieldReader(metadata: Readonly<Record<string, string>>, source: string) {
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

function checkClasses({ names, palette }: ClassList, { classes }: PSPNetConfig): void {
  if (names.length === classes && palette.length === classes) return;
  const found = `${names.length} names and ${palette.length} colours`;
  throw new PspnetError("weights", `class list: expected ${classes} names and colours, one a class, found ${found}`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
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
    isRecord(value) && [value.meanIoU, value.pixelAccuracy].every(Number.isFinite) && typeof value.dataset === "string"
  );
}

function fail(source: string, key: string, expected: string): never {
  throw new PspnetError("format", `${source}: metadata ${key}: expected ${expected}; the file is damaged`);
}
