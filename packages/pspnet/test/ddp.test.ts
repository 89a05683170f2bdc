/**
 * 20 steps of two ranks against those of PyTorch's DistributedDataParallel with batch norm over both (float32, Gloo, torch 2.15), from the same
 * weights on the same batches: `scripts/golden/make_ddp_golden.py` recorded the other side, and says what stands for SyncBatchNorm there.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PSPNet, pspnetConfig, readSafetensors } from "@pspnet/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Subprocess } from "../src/threads/subprocess.js";
import { elements, reproducibleImage, reproducibleLabels, reproducibleState } from "./support/reproducible.js";

const [RANKS, STEPS, BATCH, BATCHES, SIDE] = [2, 20, 4, 5, 65];
const config = pspnetConfig({
  ...{ layers: 18, classes: 5, stem: "deep", width: 4, headChannels: 32, auxChannels: 16 },
  dropout: 0,
});
const rates = { lr: 1e-3, headLrFactor: 10, momentum: 0.9, weightDecay: 1e-4 };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pspnet-ddp-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Trained {
  readonly losses: readonly number[];
  readonly weights: ReadonlyMap<string, Float32Array>;
}

/** What each step sees of this rank's: sample i of a batch lies on rank i % RANKS. */
function batchesOf(rank: number) {
  const [all, share] = [BATCH * BATCHES, BATCH / RANKS];
  const pixels = SIDE * SIDE;
  const planes = reproducibleImage([all, SIDE, SIDE]);
  const masks = reproducibleLabels([all, SIDE, SIDE], config.classes);
  return Array.from({ length: STEPS }, (_, step) => {
    const images = new Float32Array(share * pixels * 3);
    const labels = new Uint8Array(share * pixels);
    for (let i = 0; i < share; i++) {
      const sample = (step % BATCHES) * BATCH + i * RANKS + rank;
      labels.set(masks.subarray(sample * pixels, (sample + 1) * pixels), i * pixels);
      for (let p = 0; p < pixels; p++)
        for (let c = 0; c < 3; c++) images[(i * pixels + p) * 3 + c] = planes[(sample * 3 + c) * pixels + p];
    }
    return { images, labels, shape: [share, SIDE, SIDE] };
  });
}

async function train({ syncBn }: { readonly syncBn: boolean }): Promise<Trained[]> {
  const weights = new Map(
    [...reproducibleState(new PSPNet(config))].map(([name, { shape, float32 }]) => [
      name,
      { shape, values: float32() },
    ]),
  );
  const store = `file://${folder}/store-${syncBn}`;
  const options = { device: "cpu", precision: "fp32", accumulate: 1, auxWeight: 0.4, classWeights: null, seed: 0 };
  return Promise.all(
    Array.from({ length: RANKS }, async (_, rank) => {
      const place = { rank, worldSize: RANKS, store, serves: false };
      const batches = batchesOf(rank);
      const process = new Subprocess<unknown, Trained>(new URL("support/ddpRank.mjs", import.meta.url), {
        name: `rank ${rank}`,
      });
      try {
        return await process.ask({ place, config, weights, batches, rates, options: { ...options, syncBn } });
      } finally {
        process.kill();
      }
    }),
  );
}

/** The largest differences from what PyTorch has: of a loss, a weight, and a running statistic as a share of the largest. */
async function differences({ losses, weights }: Trained) {
  const { tensors } = readSafetensors(await readFile(new URL("golden/ddp.safetensors", import.meta.url)));
  const largest = (values: ArrayLike<number>) => Math.max(...Array.from(values, Math.abs));
  const expected = tensors.get("losses")!.float32();
  const found = { losses: largest(losses.map((loss, i) => loss - expected[i])), weights: 0, statistics: 0 };
  expect(weights.size).toBe(tensors.size - 1);
  for (const [name, values] of weights) {
    const theirs = tensors.get(name)!;
    expect(values).toHaveLength(elements(theirs.shape));
    const own = theirs.float32();
    const difference = largest(values.map((value, i) => value - own[i]));
    if (/running_/.test(name)) found.statistics = Math.max(found.statistics, difference / largest(own));
    else found.weights = Math.max(found.weights, difference);
  }
  return found;
}

test("two ranks train as PyTorch's DistributedDataParallel does: losses, weights and statistics within 1e-3", async () => {
  const [first, second] = await train({ syncBn: true });
  expect(second).toEqual(first);
  const found = await differences(first);
  console.log(`of DistributedDataParallel: ${JSON.stringify(found)} at most`);
  for (const difference of Object.values(found)) expect(difference).toBeLessThan(1e-3);
});

test("with batch norm of their own they do not", async () => {
  const [first] = await train({ syncBn: false });
  expect((await differences(first)).weights).toBeGreaterThan(1e-3);
});
