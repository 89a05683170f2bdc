/** What exporters to ONNX make of a network's tensors. */
import type { State, StateTensor } from "@pspnet/checkpoints";
import type { Parameter } from "../nn/parameter.js";
import type { ForeignCheckpoint } from "./family.js";

export function isExported({ format }: ForeignCheckpoint): boolean {
  return format === "ONNX";
}

/** PyTorch's exporter calls the bias that batch norm leaves in a convolution without one `layer0.0.weight_bias`. */
export function unfoldedName(name: string): string {
  return name.replace(/\.weight_bias$/, ".bias");
}

/** Constants of the graph have other names than a module's parameters. */
export function isConstant(name: string): boolean {
  return !/\.(weight|bias|running_mean|running_var)$/.test(name);
}

/**
 * The tensors with the batch norms that were folded into the convolutions before them, as ones that add those convolutions' biases
 * and do no more.
 *
 * @param parameters what the network has, in the order of its layers
 */
export function withFoldedNorms(state: State, parameters: ReadonlyMap<string, Parameter>, eps: number): State {
  const found = new Map(state);
  let convolution = "";
  for (const [name, { shape }] of parameters) {
    if (shape.length === 4) convolution = layerOf(name);
    if (!name.endsWith(".running_var") || state.has(name)) continue;
    const norm = layerOf(name);
    const bias = `${convolution}.bias`;
    found.set(`${norm}.weight`, filled(shape, 1));
    found.set(`${norm}.bias`, state.get(bias) ?? filled(shape, 0));
    found.set(`${norm}.running_mean`, filled(shape, 0));
    found.set(name, filled(shape, 1 - eps));
    found.delete(bias);
  }
  return found;
}

function layerOf(name: string): string {
  return name.slice(0, name.lastIndexOf("."));
}

function filled([channels]: readonly number[], value: number): StateTensor {
  return { shape: [channels], dtype: "float32", float32: () => new Float32Array(channels).fill(value) };
}
