import { type Backend, BatchNorm2d, initialise, PSPNet, pspnetConfig, type State } from "@pspnet/core";
import type { Tensor } from "@pspnet/torch";
import type { TrainConfig } from "../config/schema.js";
import type { PullOptions } from "../pull/pull.js";
import { hasFrozenStatistics } from "./frozen.js";
import { loadInit } from "./init.js";

/** What pulls published weights that `init` names. */
export interface NetworkOptions extends Pick<PullOptions, "signal" | "stream"> {
  readonly classes: number;
  readonly backend: Backend;
  /** Told in a line what the file of `init` gave. */
  readonly say?: (line: string) => void;
}

/** The network of a run with its first weights: random ones from the seed, then those of `init`. */
export async function createNetwork(
  config: TrainConfig,
  { classes, backend, say, ...pulling }: NetworkOptions,
): Promise<PSPNet> {
  const auxiliary = config.auxWeight > 0 ? config.model.auxiliary : ({ kind: "none" } as const);
  const model = new PSPNet(pspnetConfig({ ...config.model, auxiliary, classes }));
  initialise(model, backend, { seed: config.seed });
  if (config.init !== null) {
    const loaded = await loadInit(model, config.init, { backend, newHead: config.head === "new", ...pulling });
    say?.(loaded);
  }
  for (const [path, module] of model.modules())
    if (module instanceof BatchNorm2d) module.frozen = hasFrozenStatistics(path, config);
  return model;
}

/** The weights and running statistics of a network on libtorch, by name. */
export function tensorsOf(model: PSPNet): Map<string, Tensor> {
  return new Map([...model.stateDict()].map(([name, parameter]) => [name, parameter.as<Tensor>()]));
}

/** Tensors as they are at the time that each is read. */
export function stateOf(tensors: ReadonlyMap<string, Tensor>): State {
  const state = [...tensors].map(([name, tensor]) => {
    const float32 = () => tensor.toArray() as Float32Array;
    return [name, { shape: tensor.shape, dtype: "float32", float32 }] as const;
  });
  return new Map(state);
}
