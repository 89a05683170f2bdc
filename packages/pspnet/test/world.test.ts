import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Tensor } from "@pspnet/torch";
import { officialRecipe, openDataset, type Recipe, type TrainConfigInput, type TrainOptions, train } from "pspnet";
import { expect, test } from "vitest";
import { shard } from "../src/data/shard.js";
import { readMetrics } from "../src/report/metricsCsv.js";
import { ranks } from "./support/ranks.js";
import { lastWeights, smallRun, withScenes } from "./support/smallRun.js";

let folder: string;
withScenes(
  (made) => {
    folder = made;
  },
  { val: 5 },
);

/** Batch norm without statistics of the batch, and no dropout: so the network does not see who has which sample. */
const config = (name: string, changes: Partial<TrainConfigInput> = {}) => {
  const model = { layers: 18, width: 8, headChannels: 16, auxChannels: 8, dropout: 0 } as const;
  return smallRun(folder, name, { model, freezeBn: true, ...changes });
};

/** The official recipe, and what each step gives. */
function recorded() {
  const steps: { readonly loss: number; readonly weights: Float32Array }[] = [];
  const step: Recipe["step"] = async (model, ...rest) => {
    const loss = await officialRecipe.step(model, ...rest);
    const head = new Map(model.namedParameters()).get("cls.4.weight")!.as<Tensor>();
    steps.push({ loss, weights: head.toArray() as Float32Array });
    return loss;
  };
  return { steps, recipe: { step } };
}

test("two ranks train as one does, and the first alone writes", async () => {
  const one = recorded();
  const single = await train(config("single"), one);
  const records = [recorded(), recorded()];
  const said: string[][] = [[], []];
  const results = await Promise.all(
    ranks(2).map((world, i) => {
      const stream = { write: (text: string) => said[i].push(text) };
      return train(config("pair"), { world, stream, recipe: records[i].recipe });
    }),
  );
  expect(records[1].steps).toEqual(records[0].steps);
  expect(one.steps).toHaveLength(6);
  for (const [i, { loss }] of one.steps.entries()) expect(records[0].steps[i].loss).toBeCloseTo(loss, 5);
  expect(results[1]).toEqual(results[0]);
  expect(said[1]).toEqual([]);
  expect(said[0].join("")).toMatch(/epoch 2: mIoU/);
  expect((await readdir(join(folder, "runs"))).sort()).toEqual(["pair", "single"]);

  const whole = await lastWeights(single.folder);
  for (const [name, values] of await lastWeights(results[0].folder)) {
    const error = Math.max(...values.map((value, i) => Math.abs(value - whole.get(name)![i])));
    expect(error, name).toBeLessThan(1e-5);
  }
  const losses = async (run: string) => (await readMetrics(join(run, "metrics.csv"))).map(({ loss }) => loss);
  const logged = records[0].steps.map(({ loss }) => loss);
  expect((await losses(results[0].folder)).filter((loss) => loss !== undefined)).toEqual(logged);
  const pixels = async (run: string) =>
    JSON.parse(await readFile(join(run, "confusion.json"), "utf8")).counts.reduce((a: number, b: number) => a + b, 0);
  expect(await pixels(results[0].folder)).toBe(await pixels(single.folder));
});

test("a signal to one rank ends all, after the same step", async () => {
  const controller = new AbortController();
  const interrupting: Recipe["step"] = async (...args) => {
    const loss = await officialRecipe.step(...args);
    controller.abort();
    return loss;
  };
  const options: TrainOptions[] = [{}, { signal: controller.signal, recipe: { step: interrupting } }];
  const results = await Promise.all(ranks(2).map((world, i) => train(config("signalled"), { world, ...options[i] })));
  for (const result of results) expect(result).toMatchObject({ ending: "interrupted", state: { step: 1 } });
});

test("a batch that the ranks cannot share is refused", async () => {
  const [world] = ranks(3);
  await expect(train(config("odd"), { world })).rejects.toThrow(/batch that 3 ranks share.*found 4.*multiple of 3/);
});

test("ranks that were told otherwise are named on all of them", async () => {
  const [same, other] = ranks(2);
  const runs = [train(config("told"), { world: same }), train(config("told", { lr: 0.5 }), { world: other })];
  for (const run of runs)
    await expect(run).rejects.toThrow(/one configuration on all ranks, but that of rank 1 is not/);
});

test("shards make up the dataset, each sample once", async () => {
  const dataset = await openDataset(config("data").data, "val");
  const parts = Array.from({ length: 3 }, (_, rank) => shard(dataset, { rank, size: 3 }));
  expect(parts.map(({ length }) => length)).toEqual([2, 2, 1]);
  const ids = await Promise.all(
    parts.flatMap((part) => Array.from({ length: part.length }, async (_, i) => (await part.at(i)).id)),
  );
  const all = await Promise.all(Array.from({ length: 5 }, async (_, i) => (await dataset.at(i)).id));
  expect(ids.sort()).toEqual(all.sort());
  expect(shard(dataset, { rank: 6, size: 7 }).length).toBe(0);
});
