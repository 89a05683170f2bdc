import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readSafetensors, type TrainConfig, type TrainConfigInput, validateTrainConfig } from "pspnet";

/** Two epochs of three steps of a very small network on the scenes in `folder/scenes`, into `folder/runs`. */
export function smallRun(folder: string, name: string, changes: Partial<TrainConfigInput> = {}): TrainConfig {
  const model = { layers: 18, width: 8, headChannels: 16, auxChannels: 8 } as const;
  const base: TrainConfigInput = {
    name,
    runs: join(folder, "runs"),
    data: { root: join(folder, "scenes") },
    model,
    crop: 57,
    batch: 4,
    epochs: 2,
    workers: 0,
    precision: "fp32",
  };
  return validateTrainConfig({ ...base, ...changes }, name);
}

export async function lastWeights(run: string): Promise<Map<string, Float32Array>> {
  const { tensors } = readSafetensors(await readFile(join(run, "weights", "last.safetensors")));
  return new Map([...tensors].map(([name, tensor]) => [name, tensor.float32()]));
}
