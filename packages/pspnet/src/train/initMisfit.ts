import {
  differences,
  type ForeignCheckpoint,
  families,
  fits,
  inputChannels,
  isDescription,
  nearestFit,
  PARTS,
  type PartName,
  PSPNet,
  type PSPNetConfig,
  PspnetError,
  parseDescription,
  partOf,
  type State,
} from "@pspnet/core";
import { PHOTOGRAPH } from "./initStem.js";

/** The network whose weights a file holds. */
export interface FoundNetwork {
  /** The weights under our names. */
  readonly state: State;
  readonly config: PSPNetConfig;
  /** Null for a backbone alone. */
  readonly classes: number | null;
  /** Whether all of it is there, by the file's description or by names and shapes: then what it tells must hold. */
  readonly sure: boolean;
  /** Whether names and shapes, or the file itself, tell the field: `backbone.strideIn`. */
  tells(key: string): boolean;
}

/** What a file's description, or its tensors, say of its network; null when they are like nothing that is known. */
export function foundIn(checkpoint: ForeignCheckpoint, file: string): FoundNetwork | null {
  const description = checkpoint.metadata as Readonly<Record<string, string>>;
  if (checkpoint.format === "safetensors" && isDescription(description)) {
    const { config } = parseDescription(description, { source: `init=${file}` });
    return { state: checkpoint.state, config, classes: config.classes, sure: true, tells: () => true };
  }
  const fit = nearestFit(families, checkpoint, {});
  const { network, config, state } = fit;
  if (network === null || config === null || !hasBackbone(state, config)) return null;
  const tells = (key: string) => {
    const [part, field] = key.split(".");
    const said = network.fields[part as PartName];
    return said !== undefined && (field === "kind" || field in said);
  };
  return { state, config, classes: network.classes, sure: fits(fit), tells };
}

function hasBackbone(state: State, config: PSPNetConfig): boolean {
  return [...new PSPNet(config).stateDict().keys()].every((name) => partOf(name) !== "backbone" || state.has(name));
}

/** What a run has otherwise than a file. */
interface Otherwise {
  /** In words: `backbone.layers: 50 in the file, 18 here`. */
  readonly line: string;
  /** The key and value that would make it fit. */
  readonly setting: string;
}

/** Where a file's network is another than the run's, in what is to be loaded. */
export function differencesFrom(
  { config, classes, tells }: FoundNetwork,
  ours: PSPNetConfig,
  { withHead }: { readonly withHead: boolean },
): Otherwise[] {
  const otherClasses = withHead && classes !== null && classes !== ours.classes;
  const heads: PartName[] = ["pyramid", "head", "upsampling", ...(ours.auxiliary.kind === "none" ? [] : AUXILIARY)];
  // What photographs are normalised by means nothing for other images.
  const otherImages = inputChannels(config.input) === PHOTOGRAPH && inputChannels(ours.input) !== PHOTOGRAPH;
  const input: PartName[] = otherImages ? [] : ["input"];
  const parts: PartName[] = ["backbone", "norm", ...input, ...(withHead && !otherClasses ? heads : [])];
  const found = differences([config, ours], parts).filter(
    ({ key }) => tells(key) && key !== STRIDE && !isDerived(key, config),
  );
  const lines = found.map(({ key, values }) => {
    const [theirs, here] = values.map(show);
    return { line: `${key}: ${theirs} in the file, ${here} here`, setting: `model.${key}=${theirs}` };
  });
  if (!otherClasses) return lines;
  return [{ line: `${classes} classes in the file, ${ours.classes} here`, setting: "head=new" }, ...lines];
}

/** What weights bear to be otherwise: DeepLabv3 (arXiv 1706.05587, section 4.1) trains at 16 and goes on at 8. */
const STRIDE = "backbone.outputStride";

/** That the run's features are of another stride than those that the file's were trained at; null: they are not, or the file does not tell. */
export function strideNote({ config, tells }: FoundNetwork, ours: PSPNetConfig): string | null {
  const [theirs, here] = [config, ours].map(({ backbone }) => backbone.outputStride);
  return theirs === here || !tells(STRIDE) ? null : `trained at output stride ${theirs}, here ${here}`;
}

const AUXILIARY: readonly PartName[] = ["auxiliary"];

/** Whether a field follows from others, so that whoever sets those need not set it: a plain stem has `width` channels. */
function isDerived(key: string, config: PSPNetConfig): boolean {
  const [part, field] = key.split(".") as [PartName, string];
  const values = config[part];
  const kind = PARTS[part].find(({ name }) => name === values.kind);
  const derived = (kind as { derive?(values: unknown): Readonly<Record<string, unknown>> } | undefined)?.derive?.(
    values,
  );
  return (
    derived !== undefined && JSON.stringify(derived[field]) === JSON.stringify(values[field as keyof typeof values])
  );
}

function show(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Differences that are told in words; the keys to set are all told. */
const TOLD = 4;

/** That a file holds another network: which, where it differs, and what would make it fit. */
export function misfitOf(
  file: string,
  { config, classes }: FoundNetwork,
  different: readonly Otherwise[],
): PspnetError {
  const heads = classes === null ? "" : ` with heads for ${classes} classes`;
  const more = different.length > TOLD ? [`and ${different.length - TOLD} more`] : [];
  const lines = [...different.slice(0, TOLD).map(({ line }) => line), ...more].join("; ");
  const settings = different.map(({ setting }) => setting).join(" ");
  const ofHeads = different.some(({ line }) => /^(pyramid|head|auxiliary|upsampling)\./.test(line));
  const alone = ofHeads ? "; head=new takes its backbone alone" : "";
  return misfit(file, [
    `its weights are those of another network: ${nameOf(config.backbone)}${heads}`,
    `  ${lines}`,
    `it fits with ${settings}${alone}`,
  ]);
}

/** Misfits that are shown: a network has hundreds of names. */
const MISFITS = 2;

/** That a file holds no network that is known, or not all of one. */
export function unlikeAny(file: string, ours: PSPNetConfig, cause: PspnetError): PspnetError {
  const [, ...misfits] = cause.message.split("\n");
  const rest = misfits.length - MISFITS;
  return misfit(
    file,
    [
      `expected weights of a ${nameOf(ours.backbone)}, as \`model.backbone\` says, or of a whole PSPNet on it, found others:`,
      ...misfits.slice(0, MISFITS).map((line) => `  ${line}`),
      ...(rest > 0 ? [`and ${rest} more like these`] : []),
      "take a ResNet of torchvision or of the official release, or what pspnet wrote",
    ],
    cause,
  );
}

function misfit(file: string, lines: readonly string[], cause?: PspnetError): PspnetError {
  return new PspnetError("weights", `init=${file}: ${lines.join("\n")}`, { cause });
}

/** `ResNet-50, width 64, plain stem` */
export function nameOf(backbone: PSPNetConfig["backbone"]): string {
  const { kind, layers, width, stem } = backbone as { kind: string } & Partial<Record<string, unknown>>;
  const depth = layers === undefined ? "" : `-${layers}`;
  const details = [width !== undefined && `width ${width}`, stem !== undefined && `${stem} stem`].filter(Boolean);
  return [`${kind === "resnet" ? "ResNet" : kind}${depth}`, ...details].join(", ");
}
