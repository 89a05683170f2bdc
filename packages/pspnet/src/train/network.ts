import { readFile } from "node:fs/promises";
import {
  type Backend,
  BatchNorm2d,
  backboneStateFrom,
  differences,
  initialise,
  isDescription,
  loadStateDict,
  PSPNet,
  type PSPNetConfig,
  PspnetError,
  parseDescription,
  partOf,
  pspnetConfig,
  readSafetensors,
  type Safetensors,
  type State,
  withoutPrefix,
} from "@pspnet/core";
import type { Tensor } from "@pspnet/torch";
import type { TrainConfig } from "../config/schema.js";

/** The network of a run with its first weights: random ones from the seed, then those of `init`. */
export async function createNetwork(
  config: TrainConfig,
  { classes, backend }: { classes: number; backend: Backend },
): Promise<PSPNet> {
  const auxiliary = config.auxWeight > 0 ? config.model.auxiliary : ({ kind: "none" } as const);
  const model = new PSPNet(pspnetConfig({ ...config.model, auxiliary, classes }));
  initialise(model, backend, { seed: config.seed });
  if (config.init !== null) {
    loadInit(model, await readInit(config.init), { backend, newHead: config.head === "new", file: config.init });
  }
  if (config.freezeBn) {
    for (const [, module] of model.modules()) if (module instanceof BatchNorm2d) module.frozen = true;
  }
  return model;
}

/** The weights as they are at the time that each is read. */
export function stateOf(model: PSPNet): State {
  const tensors = [...model.stateDict()].map(([name, parameter]) => {
    const float32 = () => parameter.as<Tensor>().toArray() as Float32Array;
    return [name, { shape: parameter.shape, dtype: "float32", float32 }] as const;
  });
  return new Map(tensors);
}

interface InitOptions {
  readonly backend: Backend;
  readonly newHead: boolean;
  readonly file: string;
}

/** Loads a whole PSPNet, or just the backbone when the file has no head or a new one is asked for. */
function loadInit(model: PSPNet, { metadata, tensors }: Safetensors, { backend, newHead, file }: InitOptions): void {
  const state = withoutPrefix(tensors, "module.");
  const whole = [...state.keys()].some((name) => partOf(name) === "head");
  const withHead = whole && !newHead;
  if (isDescription(metadata)) {
    const { config } = parseDescription(metadata, { source: `init=${file}` });
    refuseDifferent([config, model.config], { withHead, file });
  }
  const keep = withHead ? undefined : (name: string) => partOf(name) !== "backbone";
  try {
    loadStateDict(model, whole ? state : backboneStateFrom(state), { backend, keep });
  } catch (cause) {
    if (!(cause instanceof PspnetError)) throw cause;
    const hint =
      "the depth, stem and width of `model.backbone` must be those of the file (torchvision: model.backbone.stem=plain)";
    const mend = withHead ? `${hint}; head=new takes the file's backbone alone` : hint;
    throw new PspnetError("weights", `init=${file}: ${shortened(cause.message)}\n${mend}`, { cause });
  }
}

/** What weights mean in the parts that are loaded: the same ones compute something else in a network that differs there. */
const BACKBONE_PARTS = ["backbone", "norm", "input"] as const;
const HEAD_PARTS = ["pyramid", "head", "upsampling"] as const;

function refuseDifferent(
  networks: readonly [theirs: PSPNetConfig, ours: PSPNetConfig],
  { withHead, file }: { readonly withHead: boolean; readonly file: string },
): void {
  const show = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
  const lines = differences(networks, [...BACKBONE_PARTS, ...(withHead ? HEAD_PARTS : [])]).map(
    ({ key, values: [theirs, ours] }) =>
      `  ${key}: ${show(theirs)} in the file, ${show(ours)} here; set model.${key}=${show(theirs)}`,
  );
  const [theirs, ours] = networks.map(({ classes }) => classes);
  if (withHead && theirs !== ours) lines.push(`  ${theirs} classes in the file, ${ours} here; set head=new`);
  if (lines.length === 0) return;
  throw new PspnetError("weights", `init=${file}: its weights are those of another network\n${lines.join("\n")}`);
}

/** Lines of a misfit that are shown: a network has hundreds of names. */
const MISFITS = 5;

function shortened(message: string): string {
  const lines = message.split("\n");
  const rest = lines.length - 1 - MISFITS;
  return [...lines.slice(0, 1 + MISFITS), ...(rest > 0 ? [`and ${rest} more like these`] : [])].join("\n");
}

async function readInit(file: string): Promise<Safetensors> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    throw new PspnetError(
      "weights",
      `init=${file}: expected a readable safetensors file (${(cause as Error).message})`,
      { cause },
    );
  }
  return readSafetensors(bytes);
}
