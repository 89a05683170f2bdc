import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readSafetensors, type TrainConfig, type TrainConfigInput, validateTrainConfig, writeScenes } from "pspnet";
import { afterAll, beforeAll } from "vitest";

/** Before a file's tests: tells them a folder with scenes to train on, twelve unless it is told, and some to score, in `scenes`. It goes after them. */
export function withScenes(tell: (folder: string) => void, { train = 12, val = 4 } = {}): void {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "pspnet-scenes-"));
    await writeScenes({ folder: join(folder, "scenes"), train, val, width: 72, height: 64, seed: 0 });
    tell(folder);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
}

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
