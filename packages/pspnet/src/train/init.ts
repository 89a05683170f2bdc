import { readFile } from "node:fs/promises";
import {
  type Backend,
  backboneStateFrom,
  checkFinite,
  differences,
  isDescription,
  loadStateDict,
  type PartName,
  type PSPNet,
  type PSPNetConfig,
  PspnetError,
  parseDescription,
  partOf,
  readSafetensors,
  type Safetensors,
  withoutPrefix,
} from "@pspnet/core";

export interface InitOptions {
  readonly backend: Backend;
  /** Leaves the file's head. */
  readonly newHead: boolean;
}

/**
 * Loads what a run starts from: the weights of a whole PSPNet, or of the backbone when the file has no head or a new one is
 * asked for.
 *
 * @throws PspnetError "weights" for a file that cannot be read, holds numbers that are not finite, or does not fit, and for one
 * whose description is of another network.
 */
export async function loadInit(model: PSPNet, file: string, { backend, newHead }: InitOptions): Promise<void> {
  const { metadata, tensors } = await readInit(file);
  const state = withoutPrefix(tensors, "module.");
  const whole = [...state.keys()].some((name) => partOf(name) === "head");
  const withHead = whole && !newHead;
  const heads: PartName[] = ["pyramid", "head", ...(model.aux ? (["auxiliary"] as const) : [])];
  const loaded: PartName[] = ["backbone", ...(withHead ? heads : [])];
  if (isDescription(metadata)) {
    const { config } = parseDescription(metadata, { source: `init=${file}` });
    const parts = [...loaded, "norm", "input", ...(withHead ? (["upsampling"] as const) : [])] as const;
    const different = disagreements([config, model.config], parts);
    if (withHead && config.classes !== model.config.classes)
      different.push(`${config.classes} classes in the file, ${model.config.classes} here; set head=new`);
    if (different.length > 0)
      throw misfit(file, `its weights are those of another network\n  ${different.join("\n  ")}`);
  }
  try {
    const keep = (name: string) => !loaded.includes(partOf(name));
    loadStateDict(model, whole ? state : backboneStateFrom(state), { backend, keep });
  } catch (cause) {
    if (!(cause instanceof PspnetError)) throw cause;
    const mend =
      "the depth, stem and width of `model.backbone` must be those of the file (torchvision: model.backbone.stem=plain)";
    const other = withHead ? "; head=new takes the file's backbone alone" : "";
    throw misfit(file, `${shortened(cause.message)}\n${mend}${other}`, cause);
  }
}

/** Where the same weights would compute something else here. */
function disagreements(networks: readonly [theirs: PSPNetConfig, ours: PSPNetConfig], parts: readonly PartName[]) {
  const show = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
  return differences(networks, parts).map(({ key, values }) => {
    const [theirs, ours] = values.map(show);
    return `${key}: ${theirs} in the file, ${ours} here; set model.${key}=${theirs}`;
  });
}

/** Lines of a misfit that are shown: a network has hundreds of names. */
const MISFITS = 5;

function shortened(message: string): string {
  const lines = message.split("\n");
  const rest = lines.length - 1 - MISFITS;
  return [...lines.slice(0, 1 + MISFITS), ...(rest > 0 ? [`and ${rest} more like these`] : [])].join("\n");
}

async function readInit(file: string): Promise<Safetensors> {
  const found = await readFile(file)
    .then((bytes) => readSafetensors(bytes))
    .catch((cause: Error) => {
      throw misfit(file, `expected a readable safetensors file (${cause.message})`, cause);
    });
  try {
    checkFinite(found.tensors);
  } catch (cause) {
    throw misfit(file, (cause as Error).message, cause);
  }
  return found;
}

function misfit(file: string, found: string, cause?: unknown): PspnetError {
  return new PspnetError("weights", `init=${file}: ${found}`, { cause });
}
