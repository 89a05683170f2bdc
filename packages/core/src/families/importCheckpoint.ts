import { fromFloat32, type StateTensor, type StoredDType, type WritableTensor } from "@pspnet/checkpoints";
import { PspnetError } from "../error.js";
import type { ClassList } from "../image/classes.js";
import { ADE20K, CAMVID, CITYSCAPES, numberedClasses, VOC2012 } from "../image/classLists.js";
import type { PSPNetConfig } from "../model/config.js";
import { inParts } from "../model/flatFields.js";
import { checkFinite } from "../weights/checkFinite.js";
import { describeWeights, type ModelDescription } from "../weights/modelFile.js";
import { families } from "./families.js";
import type { Assumption, Family, Fate, ForeignCheckpoint, ForeignNetwork } from "./family.js";
import { BESIDE, type Fit, fit, fits, nearestFit } from "./fit.js";
import { structure } from "./structure.js";

export interface ImportOptions {
  /** A family's name; "auto": the one that names and shapes tell. */
  readonly from?: string;
  /** Fields of the network that are known otherwise: parts, `{ backbone: { strideIn: "1x1" } }`, or flat. */
  readonly fields?: unknown;
  /** Left out, as the file says, or the dataset of that number of classes. */
  readonly classes?: ClassList;
  readonly crop?: number;
  readonly licence?: string;
}

/** What became of a tensor of the file. */
export interface TensorAccount {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: StoredDType;
  /** used: under its own name; renamed; changed: its elements moved, too. */
  readonly fate: "used" | "renamed" | "changed" | "dropped";
  /** Its name here; null when it is dropped. */
  readonly to: string | null;
  /** How it was changed, or why it was dropped. */
  readonly because: string | null;
}

/** A field that the file does not tell, as it was taken. */
export interface Assumed extends Assumption {
  readonly value: unknown;
}

export interface Imported {
  readonly family: Family;
  readonly config: PSPNetConfig;
  /** Null for a backbone alone. */
  readonly description: ModelDescription | null;
  readonly assumed: readonly Assumed[];
  readonly tensors: readonly TensorAccount[];
  /** What a safetensors file of ours holds. */
  readonly state: ReadonlyMap<string, WritableTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * A checkpoint of another program as ours: recognised, every tensor accounted for, described.
 *
 * @throws PspnetError "usage" for a family that there is not, "weights" when the checkpoint fits none, or holds numbers that
 * are not finite.
 */
export function importCheckpoint(checkpoint: ForeignCheckpoint, options: ImportOptions = {}): Imported {
  const { from = "auto", fields } = options;
  const found = from === "auto" ? nearestFit(families, checkpoint, fields) : fit(familyNamed(from), checkpoint, fields);
  if (!fits(found)) {
    const guess = from === "auto" && found.family !== structure ? fit(structure, checkpoint, fields).problems : [];
    throw new PspnetError("weights", misfit(found, checkpoint, guess));
  }
  return applied(found as Complete, checkpoint, options);
}

/** A fit without problems. */
type Complete = Fit & { readonly network: ForeignNetwork; readonly config: PSPNetConfig };

function applied(
  { family, fates, network, config, state }: Complete,
  checkpoint: ForeignCheckpoint,
  { fields, classes, crop = network.crop, licence = "" }: ImportOptions,
): Imported {
  const given = inParts(fields);
  const written = new Map([...state].map(([name, tensor]) => [name, writable(tensor)]));
  checkFinite(written);
  const list = classes ?? network.classList ?? classesByNumber(config.classes);
  const description = network.classes === null ? null : { config, classes: list, crop, licence };
  const metadata = description ? describeWeights(description) : { backbone: JSON.stringify(config.backbone), licence };
  return {
    family,
    config,
    description,
    assumed: network.assumed
      .filter(({ key }) => valueAt(given, key) === undefined)
      .map((assumption) => ({ ...assumption, value: valueAt(config, assumption.key) })),
    tensors: [
      ...[...fates].map(([name, fate]) => account(name, checkpoint.state.get(name)!, fate)),
      ...[...(checkpoint.beside ?? [])].map(([name, tensor]) => account(name, tensor, BESIDE)),
    ],
    state: written,
    metadata,
  };
}

function familyNamed(name: string): Family {
  const family = families.find((one) => one.name === name);
  if (family) return family;
  const known = ["auto", ...families.map(({ name }) => name)].join(", ");
  throw new PspnetError("usage", `from: expected one of ${known}, found ${JSON.stringify(name)}`);
}

function account(name: string, { shape, dtype }: StateTensor, fate: Fate): TensorAccount {
  if ("drop" in fate) return { name, shape, dtype, fate: "dropped", to: null, because: fate.drop };
  const kept = fate.change ? "changed" : fate.name === name ? "used" : "renamed";
  return { name, shape, dtype, fate: kept, to: fate.name, because: fate.change?.how ?? null };
}

/** Halves stay halves; all else becomes float32. */
function writable(tensor: StateTensor): WritableTensor & StateTensor {
  const dtype = tensor.dtype === "float16" || tensor.dtype === "bfloat16" ? tensor.dtype : "float32";
  const { shape } = tensor;
  return { dtype, shape, bytes: fromFloat32(tensor.float32(), dtype), float32: () => tensor.float32() };
}

function classesByNumber(count: number): ClassList {
  return [ADE20K, VOC2012, CITYSCAPES, CAMVID].find(({ names }) => names.length === count) ?? numberedClasses(count);
}

function valueAt(config: unknown, key: string): unknown {
  return key
    .split(".")
    .reduce<unknown>((node, field) => (node as Record<string, unknown> | undefined)?.[field], config);
}

/** Lines of each kind that a message shows. */
const SHOWN = 3;

/** What a file that fits no family looks like, and what stands between it and the nearest. */
function misfit(
  { family, fates, unknown, problems }: Fit,
  { format, state }: ForeignCheckpoint,
  guess: readonly string[],
): string {
  const look = (name: string) => `${name} [${state.get(name)!.shape}]`;
  const names = [...state.keys()];
  const some = names.length > 2 * SHOWN ? [...names.slice(0, SHOWN), null, ...names.slice(-SHOWN)] : names;
  const examples = some.map((name) => (name === null ? "..." : look(name))).join(", ");
  const lines = [
    `expected a PSPNet or a backbone of one, found ${state.size} tensors (${format}) that make none: ${examples}`,
    `nearest is ${family.name}, ${family.title}: it knows ${fates.size} of the names`,
    ...shortened(unknown.map((name) => `${look(name)}: a name that it has not`)),
    ...shortened(problems),
    ...shortened(guess.map((problem) => `told by its structure: ${problem}`)),
    `families: ${families.map(({ name }) => name).join(", ")}`,
  ];
  return lines.join("\n  ");
}

function shortened(lines: readonly string[]): string[] {
  const rest = lines.length - SHOWN;
  return rest > 1 ? [...lines.slice(0, SHOWN), `and ${rest} more like these`] : [...lines];
}
