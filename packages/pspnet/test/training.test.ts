import { existsSync, readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fromFloat32, type StoredTensor, type WritableTensor, writeSafetensors } from "@pspnet/core";
import { backend, liveTensors } from "@pspnet/torch";
import {
  loadModel,
  openDataset,
  pspnetConfig,
  randomWeights,
  readSafetensors,
  type TrainConfigInput,
  train,
} from "pspnet";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { stringify } from "yaml";
import { readMetrics } from "../src/report/metricsCsv.js";
import { pspnet } from "./support/cli.js";
import { lastWeights, smallRun, withScenes } from "./support/smallRun.js";

let folder: string;
withScenes((made) => {
  folder = made;
});

const config = (name: string, changes?: Partial<TrainConfigInput>) => smallRun(folder, name, changes);

const STEM = "layer0.0.weight";

/** The network of {@link smallRun} as configurations of version 1 had it. */
const VERSION_1 = {
  ...{ layers: 18, stem: "deep", strideIn: "3x3", ceilPool: false, firstDilation: "full", outputStride: 8, width: 8 },
  ...{ ppm: true, bins: [1, 2, 3, 6], pool: "average", reduction: true, headChannels: 16, auxChannels: 8 },
  ...{ alignCorners: true, concatOrder: "ascending", bnEps: 1e-5, bnMomentum: 0.1, dropout: 0.1 },
};

/** The first convolution, for images whose channels come the other way round. */
function swappedChannels(tensors: ReadonlyMap<string, StoredTensor>): [string, WritableTensor] {
  const stem = tensors.get(STEM)!;
  const { shape } = stem;
  const plane = shape[2] * shape[3];
  const values = stem.float32();
  const swapped = values.map((_, i) => {
    const channel = Math.floor(i / plane) % 3;
    return values[i + (2 - 2 * channel) * plane];
  });
  return [STEM, { dtype: "float32", shape, bytes: fromFloat32(swapped, "float32") }];
}

describe("a run", () => {
  test("leaves a folder that says everything, and no tensor", async () => {
    const before = liveTensors();
    const { folder: run, ending, state } = await train(config("whole"));
    expect(liveTensors()).toBe(before);
    expect({ ending, step: state.step, epoch: state.epoch }).toEqual({ ending: "complete", step: 6, epoch: 2 });
    const csv = await readFile(join(run, "metrics.csv"), "utf8");
    expect(csv.trim().split("\n")).toHaveLength(1 + 6 + 2);
    for (const file of [
      "config.yaml",
      "environment.json",
      "curves.png",
      "confusion.png",
      "report.html",
      "pictures/val-1.png",
      "pictures/train-batch-1.png",
    ]) {
      expect((await readFile(join(run, file))).length, file).toBeGreaterThan(100);
    }
    expect(JSON.parse(await readFile(join(run, "environment.json"), "utf8"))).toMatchObject({ precision: "fp32" });
    const { description } = await loadModel(join(run, "weights", "best.safetensors"), backend());
    expect(description.classes.names).toEqual((await openDataset(config("x").data, "val")).classes.names);
    expect(description.score?.meanIoU).toBe(state.best?.meanIoU);
  });

  test("is the same with any number of workers, and after being broken off and resumed", async () => {
    const whole = await lastWeights((await train(config("reference"))).folder);
    const threads = await lastWeights((await train(config("threads", { workers: 3, cache: "ram" }))).folder);
    expect(threads).toEqual(whole);

    const controller = new AbortController();
    // The live line is written once a step: abort in the middle of the second epoch.
    let steps = 0;
    const stream = {
      isTTY: true,
      write: (text: string) => void (/ 4\/6 /.test(text) && steps++ === 0 && controller.abort()),
    };
    const broken = await train(config("broken"), { signal: controller.signal, stream });
    expect(broken.ending).toBe("interrupted");
    expect(broken.state.step).toBeLessThan(6);
    const resumed = await train(config("broken", { resume: true, workers: 2 }));
    expect(resumed.folder).toBe(broken.folder);
    expect(await lastWeights(resumed.folder)).toEqual(whole);
    const csv = await readFile(join(resumed.folder, "metrics.csv"), "utf8");
    expect(
      csv
        .trim()
        .split("\n")
        .slice(1)
        .filter((line) => line.split(",")[3] !== ""),
    ).toHaveLength(6);
  });

  test("with another loss, schedule and colours, an average of its weights and frozen stages is the same after being broken off, too", async () => {
    const recipe = {
      classWeights: "median",
      loss: { labelSmoothing: 0.1, ohem: 0.5, ohemKept: 0.3, dice: 1 },
      augment: { photometric: true },
      ema: 0.9,
      freeze: 1,
      freezeBn: "backbone",
      schedule: "cosine",
      warmup: 2,
      clipGradients: 1,
    } as const;
    const whole = await train(config("averaged", recipe));
    const controller = new AbortController();
    const stream = { isTTY: true, write: (text: string) => void (/ 4\/6 /.test(text) && controller.abort()) };
    const broken = await train(config("averaged-broken", recipe), { signal: controller.signal, stream });
    expect(broken.state.step).toBeLessThan(6);
    const resumed = await train(config("averaged-broken", { ...recipe, resume: true }));
    const weights = await lastWeights(whole.folder);
    expect(await lastWeights(resumed.folder)).toEqual(weights);
    const { tensors } = readSafetensors(await readFile(join(whole.folder, "state", "checkpoint.safetensors")));
    const kept = (prefix: string, name: string) => tensors.get(`${prefix}.${name}`)?.float32();
    expect(weights.get("cls.4.weight")).toEqual(kept("average", "cls.4.weight"));
    expect(weights.get("cls.4.weight")).not.toEqual(kept("model", "cls.4.weight"));
    // The first stage is as it was, and has no momentum; the second has moved, but for its statistics.
    expect(kept("momentum", "layer1.0.conv1.weight")).toBeUndefined();
    expect(kept("momentum", "layer2.0.conv1.weight")).toBeDefined();
    const mean = kept("model", "layer2.0.bn1.running_mean");
    expect(mean).toEqual(new Float32Array(mean!.length));
    expect(kept("model", "cls.1.running_mean")!.some((value) => value !== 0)).toBe(true);
    expect(whole.state.classWeights).toHaveLength(16);
    expect(resumed.state.classWeights).toEqual(whole.state.classWeights);
    const rows = await readMetrics(join(whole.folder, "metrics.csv"));
    const rates = rows.flatMap(({ lr }) => lr ?? []);
    expect(rates.slice(0, 2)).toEqual([0.005, expect.closeTo(0.005 * (1 + Math.cos(Math.PI / 6)), 9)]);
  });

  test("killed in the middle of an epoch and resumed ends with the same weights", async () => {
    const whole = await lastWeights((await train(config("unkilled", { epochs: 4 }))).folder);
    const file = join(folder, "killed.yaml");
    await writeFile(file, stringify({ ...config("killed", { epochs: 4, saveEvery: "0.001s" }) }));
    const killed = await pspnet(["train", file], {
      // Eleven steps stand in the file of the run that is not killed: this one dies after the fourth at the earliest.
      onMessage: (_text, child) => {
        const csv = join(folder, "runs", "killed", "metrics.csv");
        if (existsSync(csv) && readFileSync(csv, "utf8").split("\n").length > 6) child.kill("SIGKILL");
      },
    });
    expect(killed.signal).toBe("SIGKILL");
    const resumed = await pspnet(["train", file, "resume=true"]);
    expect(resumed.err).toMatch(/killed: process \d+ has ended without letting go of it; it is taken over/);
    expect(resumed.err).toMatch(/epoch 4: mIoU/);
    expect(await lastWeights(join(folder, "runs", "killed"))).toEqual(whole);
  });

  test("is not resumed with another configuration, nor when there is none", async () => {
    await train(config("other", { epochs: 1 }));
    await expect(train(config("other", { epochs: 1, resume: true, lr: 0.5 }))).rejects.toThrow(
      /another configuration[\s\S]*lr: 0.01 \(now 0.5\)/,
    );
    const model = { layers: 18, width: 8, headChannels: 16, auxChannels: 8, concatOrder: "descending" } as const;
    await expect(train(config("other", { epochs: 1, resume: true, model }))).rejects.toThrow(
      /to go on exactly, set\n {2}model\.pyramid\.concatOrder: "ascending" \(now "descending"\)$/,
    );
    await expect(train(config("nothing", { resume: true }))).rejects.toThrow(/expected the state of a run/);
  });

  test("is not begun with fewer weights than classes", async () => {
    const few = train(config("few", { classWeights: [1, 2] }));
    await expect(few).rejects.toThrow(/classWeights: expected 16 numbers, one for each class .*, found 2/);
    expect(existsSync(join(folder, "runs", "few"))).toBe(false);
  });

  test("on channels in another order is the same run", async () => {
    const model = { layers: 18, width: 8, headChannels: 16, auxChannels: 8 } as const;
    const begin = async (channelOrder: "rgb" | "bgr") => {
      const input = { mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3], channelOrder } as const;
      const { metadata, tensors } = readSafetensors(randomWeights(pspnetConfig({ classes: 16, ...model, input })));
      const file = join(folder, `${channelOrder}.safetensors`);
      const swapped = new Map([...tensors, ...(channelOrder === "bgr" ? [swappedChannels(tensors)] : [])]);
      await writeFile(file, writeSafetensors(swapped, metadata));
      return train(config(channelOrder, { model: { ...model, input }, init: file, epochs: 1 }));
    };
    const [rgb, bgr] = [await begin("rgb"), await begin("bgr")];
    expect(bgr.state.best!.meanIoU).toBeCloseTo(rgb.state.best!.meanIoU, 3);
    const [expected, found] = [await lastWeights(rgb.folder), await lastWeights(bgr.folder)];
    for (const [name, values] of expected) {
      if (name === STEM) continue;
      const difference = values.reduce((most, value, i) => Math.max(most, Math.abs(value - found.get(name)![i])), 0);
      expect(difference, name).toBeLessThan(1e-3);
    }
    const { description } = await loadModel(join(bgr.folder, "weights", "last.safetensors"), backend());
    expect(description.config.input).toMatchObject({ mean: [0.4, 0.5, 0.6], channelOrder: "bgr" });
    const pictures = [rgb, bgr].map((run) => readFileSync(join(run.folder, "pictures", "train-batch-1.png")));
    expect(pictures[1].equals(pictures[0])).toBe(true);
  });

  test("stops on a loss that is not finite, naming step, rate and files", async () => {
    const error = await train(config("exploding", { lr: 1e6, epochs: 5 })).catch((caught: Error) => caught);
    expect(String(error)).toMatch(/loss of step \d+ is (NaN|Infinity) \(learning rate .*\)[\s\S]*\d{5}\.png/);
  });

  test("ends early when the score no longer gets better, and when its time is over", async () => {
    const early = await train(config("early", { epochs: 30, patience: 1, lr: 1e-12 }));
    expect(early.ending).toBe("early stop");
    expect(early.state.epoch).toBe(early.state.best!.epoch + 1);
    const rarely = await train(config("rarely", { epochs: 30, patience: 1, lr: 1e-12, validation: { every: 2 } }));
    expect(rarely.ending).toBe("early stop");
    expect(rarely.state.epoch).toBe(rarely.state.best!.epoch + 2);
    const timed = await train(config("timed", { epochs: 9, time: "0.001s" }));
    expect(timed).toMatchObject({ ending: "time", state: { step: 1 } });
    expect(timed.state.best).not.toBeNull();
  });
});

describe("a run with a budget", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** A step, or an image of a validation, takes one second: each writes the live line, which moves the clock on. */
  function clock({ interruptAt }: { readonly interruptAt?: number } = {}) {
    const controller = new AbortController();
    const lines: string[] = [];
    const write = (text: string) => {
      if (!/^(train|validate) /.test(text)) return;
      lines.push(text.trimEnd());
      vi.advanceTimersByTime(1000);
      if (text.startsWith(`train [`) && text.includes(` ${interruptAt}/`)) controller.abort();
    };
    return { lines, options: { signal: controller.signal, stream: { isTTY: true, columns: 200, write } } };
  }

  /** Thirty epochs of three steps at most, but time for 40; no validation before the end. */
  const budgeted = (name: string, changes: Partial<TrainConfigInput> = {}) =>
    config(name, { epochs: 30, budget: "40s", validation: { every: 30 }, ...changes });

  const rates = async (run: string) =>
    (await readMetrics(join(run, "metrics.csv"))).flatMap(({ lr }) => (lr === undefined ? [] : [lr]));
  const poly = (shares: readonly number[]) => shares.map((share) => expect.closeTo(0.01 * (1 - share) ** 0.9, 12));

  test("follows the clock down to nothing, and is then complete", async () => {
    const { lines, options } = clock();
    const { folder: run, ending, state } = await train(budgeted("clock"), options);
    const { step, epoch, batch, best } = state;
    expect({ ending, step, epoch, batch }).toEqual({ ending: "complete", step: 40, epoch: 13, batch: 1 });
    expect(await rates(run)).toEqual(poly(Array.from({ length: 40 }, (_, i) => i / 40)));
    expect(best?.epoch).toBe(14);
    expect(lines.find((line) => line.includes(" 10/90"))).toMatch(/^train \[={5} {19}\] 10\/90 .* 31s left$/);
  });

  test("that is done sooner is the run without a budget, bit for bit", async () => {
    const free = await train(config("free"));
    const fast = await train(config("fast", { budget: "1h" }), clock().options);
    expect(fast).toMatchObject({ ending: "complete", state: { step: 6, epoch: 2 } });
    expect(await lastWeights(fast.folder)).toEqual(await lastWeights(free.folder));
    expect(await rates(fast.folder)).toEqual(await rates(free.folder));
  });

  test("counts validations in between, of which the last tenth has none", async () => {
    const { lines, options } = clock();
    const { folder: run, state } = await train(budgeted("validating", { validation: { every: 4 } }), options);
    // Epochs 4 and 8 are validated, in 12..16 and 28..32 seconds; the third validation is that at the end.
    expect(state.step).toBe(32);
    const shares = (await rates(run)).slice(11, 13);
    expect(shares).toEqual(poly([11 / 40, 16 / 40]));
    expect(lines.filter((line) => line.startsWith("validate") && line.includes("4/4"))).toHaveLength(3);
  });

  test("goes on with what is left of it when it is resumed", async () => {
    const whole = await train(budgeted("unbroken"), clock().options);
    const broken = await train(budgeted("halved"), clock({ interruptAt: 17 }).options);
    expect(broken).toMatchObject({ ending: "interrupted", state: { step: 17, elapsed: 17 } });
    vi.advanceTimersByTime(3_600_000);
    const { options, lines } = clock();
    const resumed = await train(budgeted("halved", { resume: true }), options);
    expect(resumed.state.step).toBe(40);
    expect(lines.find((line) => line.includes(" 20/90"))).toMatch(/ 21s left$/);
    expect(await rates(resumed.folder)).toEqual(await rates(whole.folder));
    expect(await lastWeights(resumed.folder)).toEqual(await lastWeights(whole.folder));
    const again = await train(budgeted("halved", { resume: true }), options);
    expect(again).toMatchObject({ ending: "complete", state: { step: 40 } });
  });

  test("cannot be given to a run that has none, nor is it needed to resume one of an older program", async () => {
    const whole = await lastWeights((await train(config("new"))).folder);
    const { folder: run } = await train(config("old"), clock({ interruptAt: 4 }).options);
    const file = join(run, "state", "checkpoint.safetensors");
    const { metadata, tensors } = readSafetensors(await readFile(file));
    const { budget: _, model: __, ...since } = JSON.parse(metadata.config);
    const before = { ...since, model: VERSION_1 };
    const { elapsed, validating, ...state } = JSON.parse(metadata.state);
    expect([elapsed, validating]).toEqual([expect.any(Number), expect.any(Number)]);
    await writeFile(file, writeSafetensors(tensors, { config: JSON.stringify(before), state: JSON.stringify(state) }));
    await expect(train(config("old", { resume: true, budget: "1m" }))).rejects.toThrow(/budget: null \(now "1m"\)/);
    const { state: end } = await train(config("old", { resume: true }));
    expect(end).toMatchObject({ step: 6, elapsed: expect.any(Number) });
    expect(await lastWeights(run)).toEqual(whole);
  });
});
