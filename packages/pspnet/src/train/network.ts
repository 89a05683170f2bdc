import { readFile } from "node:fs/promises";
import {
  type Backend,
  BatchNorm2d,
  backboneStateFrom,
  initialise,
  loadStateDict,
  PSPNet,
  PspnetError,
  pspnetConfig,
  readSafetensors,
  type State,
} from "@pspnet/core";
import type { Tensor } from "@pspnet/torch";
import type { TrainConfig } from "../config/schema.js";

const isHead = (name: string): boolean => /^(ppm|cls|aux)\./.test(name);

/** The network of a run with its first weights: random ones from the seed, then those of `init`. */
export async function createNetwork(
  config: TrainConfig,
  { classes, backend }: { classes: number; backend: Backend },
): Promise<PSPNet> {
  const model = new PSPNet(pspnetConfig({ ...config.model, classes, aux: config.auxWeight > 0 }));
  initialise(model, backend, { seed: config.seed });
  if (config.init !== null) {
    loadInit(model, await readState(config.init), { backend, newHead: config.head === "new", file: config.init });
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
function loadInit(model: PSPNet, state: State, { backend, newHead, file }: InitOptions): void {
  const whole = [...state.keys()].some((name) => name.startsWith("cls."));
  try {
    if (whole && !newHead) loadStateDict(model, state, { backend });
    else loadStateDict(model, whole ? state : backboneStateFrom(state), { backend, keep: isHead });
  } catch (cause) {
    if (!(cause instanceof PspnetError)) throw cause;
    const hint = "the stem, depth and width of `model` must be those of the file (torchvision: model.stem=plain)";
    throw new PspnetError("weights", `init=${file}: ${cause.message}\n${hint}`, { cause });
  }
}

async function readState(file: string): Promise<State> {
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
  return readSafetensors(bytes).tensors;
}
