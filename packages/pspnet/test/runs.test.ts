import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { fromFloat32, writeSafetensors } from "@pspnet/core";
import {
  Loader,
  officialRecipe,
  type Recipe,
  readSafetensors,
  sceneClasses,
  type TrainConfigInput,
  type TrainOptions,
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

/** Aborts after `last` steps, and keeps what is said. */
function watched(last: number): { readonly text: () => string; readonly options: TrainOptions } {
  const controller = new AbortController();
  let steps = 0;
  const step: Recipe["step"] = (...args) => {
    if (++steps === last) controller.abort();
    return officialRecipe.step(...args);
  };
  const said: string[] = [];
  const stream = { write: (text: string) => said.push(text) };
  return { text: () => said.join(""), options: { signal: controller.signal, stream, recipe: { step } } };
}

/** Ctrl-C, once, when the live line shows steps. */
function interrupt(text: string, child: ChildProcess): void {
  if (/^train \d/m.test(text) && !child.killed) child.kill("SIGINT");
}

/** The network of small runs as checkpoints of commit da5f831 have it. */
const VERSION_1 = {
  ...{ layers: 18, stem: "deep", strideIn: "3x3", ceilPool: false, firstDilation: "full", outputStride: 8, width: 8 },
  ...{ ppm: true, bins: [1, 2, 3, 6], pool: "average", reduction: true, headChannels: 16, auxChannels: 8 },
  ...{ alignCorners: true, concatOrder: "ascending", bnEps: 1e-5, bnMomentum: 0.1, dropout: 0.1 },
};

describe("the second run of a name", () => {
  test("says where it is, and goes on there", async () => {
    const whole = await train(config("twice"));
    const { text, options } = watched(2);
    const second = await train(config("twice"), options);
    expect(basename(second.folder)).toBe("twice-2");
    expect(text()).toMatch(/^\S*twice exists: this run is \S*twice-2$/m);
    const resumed = await train(config("twice-2", { resume: true }));
    expect(resumed).toMatchObject({ folder: second.folder, state: { step: 6 } });
    expect(await lastWeights(resumed.folder)).toEqual(await lastWeights(whole.folder));
    expect(await readFile(join(second.folder, "config.yaml"), "utf8")).toMatch(/^name: twice-2$/m);
  });

  test("of an older program, whose checkpoint has the first one's name and a network's fields side by side, is resumed too", async () => {
    const whole = await train(config("older"));
    const { folder: run } = await train(config("older"), watched(2).options);
    const file = join(run, "state", "checkpoint.safetensors");
    const { metadata, tensors } = readSafetensors(await readFile(file));
    const before = JSON.stringify({ ...JSON.parse(metadata.config), name: "older", model: VERSION_1 });
    await writeFile(file, writeSafetensors(tensors, { ...metadata, config: before }));
    expect(await train(config("older-2", { resume: true }))).toMatchObject({ folder: run, state: { step: 6 } });
    expect(await lastWeights(run)).toEqual(await lastWeights(whole.folder));
  });

  test("goes on by the command that is printed when it is interrupted", async () => {
    const file = join(folder, "it's mine.yaml");
    await writeFile(file, stringify(config("interrupted", { epochs: 300 })));
    await train(config("interrupted", { epochs: 1 }));
    const first = await pspnet(["train", file, "name=interrupted", "saveEvery=1h"], {
      onMessage: interrupt,
    });
    expect(first.code).toBe(1);
    const [, step, command] = /after step (\d+), saved in \S*interrupted-2; go on with\n {2}npx pspnet (.+)\n/.exec(
      first.err,
    )!;
    const words = [...command.matchAll(/'((?:[^']|'\\'')*)'|\S+/g)];
    const args = words.map(([word, quoted]) => quoted?.replaceAll("'\\''", "'") ?? word);
    expect(args).toEqual(["train", file, "saveEvery=1h", "name=interrupted-2", "resume=true"]);
    const second = await pspnet(args, { onMessage: interrupt });
    expect(Number(/after step (\d+), saved in \S*interrupted-2;/.exec(second.err)?.[1])).toBeGreaterThan(Number(step));
  });
});

test("a run that started from a file is resumed without it", async () => {
  const init = join(folder, "start.safetensors");
  const first = await train(config("start", { epochs: 1 }));
  await cp(join(first.folder, "weights", "last.safetensors"), init);
  const whole = await train(config("started", { init }));
  const { folder: run } = await train(config("halved", { init }), watched(2).options);
  const { text, options } = watched(1);
  await train(config("said", { init }), options);
  expect(text()).toMatch(/^loaded from start\.safetensors: \d+ tensors of the backbone [\s\S]*^train \d/m);
  await writeFile(init, "another file");
  expect(await train(config("halved", { init, resume: true }))).toMatchObject({ folder: run, state: { step: 6 } });
  expect(await lastWeights(run)).toEqual(await lastWeights(whole.folder));
});

describe("a run that is done", () => {
  const rates = async (run: string) =>
    (await readMetrics(join(run, "metrics.csv"))).flatMap(({ lr }) => (lr === undefined ? [] : [lr]));
  const poly = (steps: readonly number[], total: number) =>
    steps.map((step) => expect.closeTo(0.01 * (1 - step / total) ** 0.9, 12));

  test("says how to go on, and goes on for more epochs, at the learning rate of a run of so many", async () => {
    const { folder: run } = await train(config("longer"));
    const ended = watched(1);
    expect(await train(config("longer", { resume: true }), ended.options)).toMatchObject({ state: { step: 6 } });
    expect(ended.text()).toMatch(
      /longer is trained to its end; give more epochs= to go on \(now 2\), or init=\S+longer\/weights\/best\.saf/,
    );
    const more = watched(Number.POSITIVE_INFINITY);
    const longer = await train(config("longer", { resume: true, epochs: 4 }), more.options);
    expect(longer).toMatchObject({ folder: run, ending: "complete", state: { step: 12, epoch: 4 } });
    expect(more.text()).toMatch(
      /2 epochs before, 4 now: after step 6 the learning rate goes from 0\.00 to 0\.00536, where a run of 4 has it;/,
    );
    expect(await rates(run)).toEqual([...poly([0, 1, 2, 3, 4, 5], 6), ...poly([6, 7, 8, 9, 10, 11], 12)]);
    expect(await readFile(join(run, "config.yaml"), "utf8")).toMatch(/^epochs: 4$/m);
    await expect(train(config("longer", { resume: true }))).rejects.toThrow(/epochs: 4 \(now 2\)/);
  });

  test("and was broken off while it was made longer goes on exactly", async () => {
    const extend = (name: string, options?: TrainOptions) => train(config(name, { resume: true, epochs: 4 }), options);
    const whole = await train(config("extended"));
    await extend("extended");
    const { folder: run } = await train(config("twice-extended"));
    await extend("twice-extended", watched(2).options);
    expect(await extend("twice-extended")).toMatchObject({ state: { step: 12 } });
    expect(await lastWeights(run)).toEqual(await lastWeights(whole.folder));
  });

  test("but not with a budget, which is the clock's", async () => {
    const { folder: run } = await train(config("budgeted", { budget: "1h" }));
    const again = { resume: true, budget: "1h" };
    await expect(train(config("budgeted", { ...again, epochs: 4 }))).rejects.toThrow(/epochs: 2 \(now 4\)/);
    const { text, options } = watched(1);
    await train(config("budgeted", again), options);
    expect(text()).toContain(`${run} is trained to its end; give init=${run}/weights/best.safetensors without resume`);
  });
});

test("a checkpoint with numbers that are not finite is refused, naming file and tensor", async () => {
  const { folder: run } = await train(config("nan"), watched(2).options);
  const file = join(run, "state", "checkpoint.safetensors");
  const { metadata, tensors } = readSafetensors(await readFile(file));
  for (const name of ["model.cls.4.bias", "momentum.cls.4.weight"]) {
    const tensor = tensors.get(name)!;
    const bytes = fromFloat32(tensor.float32().fill(Number.NaN, 0, 1), "float32");
    await writeFile(file, writeSafetensors(new Map([...tensors, [name, { ...tensor, bytes }]]), metadata));
    await expect(train(config("nan", { resume: true }))).rejects.toThrow(
      `${file}: expected a checkpoint (${name}: expected finite numbers, found 1 of `,
    );
  }
});

test("of two that go on with one run at once the second is refused, and the first ends as if alone", async () => {
  const whole = await train(config("alone"));
  const { folder: run } = await train(config("shared"), watched(2).options);
  let second: unknown;
  const step: Recipe["step"] = async (...args) => {
    second ??= await train(config("shared", { resume: true })).catch((error: Error) => error);
    return officialRecipe.step(...args);
  };
  await train(config("shared", { resume: true }), { recipe: { step } });
  const message = expect.stringMatching(/shared: .* process \d+ on .* trains into it/);
  expect(second).toMatchObject({ code: "environment", message });
  expect(await lastWeights(run)).toEqual(await lastWeights(whole.folder));
  expect(await readdir(run)).not.toContain("lock.json");
});

test("a run says before its first step which classes no mask shows", async () => {
  const { text, options } = watched(1);
  const data = { root: join(folder, "scenes"), classes: [...sceneClasses.names, "yeti"] };
  await train(config("yeti", { data }), options);
  expect(text()).toMatch(
    /^training masks: no pixel of: .*yeti; data\.ids .*[\s\S]*^validation masks: .*yeti; data\.ids .*[\s\S]*^train \d/m,
  );
});

describe("a run that ends before its first step leaves no folder", () => {
  const untouched = async (name: string) => {
    expect((await readdir(join(folder, "runs"))).filter((run) => run.startsWith(name))).toEqual([]);
  };

  test("when it is interrupted", async () => {
    const { ending, state } = await train(config("early"), { signal: AbortSignal.abort() });
    expect({ ending, step: state.step }).toEqual({ ending: "interrupted", step: 0 });
    await untouched("early");
  });

  test("when there are fewer images than a batch has", async () => {
    await expect(train(config("few", { batch: 32 }))).rejects.toThrow(/batch of 32/);
    await untouched("few");
  });

  test("when a photograph cannot be decoded, or the first loss is no number", async () => {
    const photograph = join(folder, "scenes", "train", "images", "00001.png");
    const bytes = await readFile(photograph);
    await writeFile(photograph, bytes.subarray(0, 100));
    await expect(train(config("broken", { batch: 12 }))).rejects.toThrow(/00001\.png/);
    await writeFile(photograph, bytes);
    await untouched("broken");
    const step = async () => Number.NaN;
    await expect(train(config("diverged"), { recipe: { step } })).rejects.toThrow(/loss of step 1 is NaN/);
    await untouched("diverged");
  });

  test("but one that was resumed stays", async () => {
    const { folder: run } = await train(config("resumed"), watched(2).options);
    const again = await train(config("resumed", { resume: true }), { signal: AbortSignal.abort() });
    expect(again).toMatchObject({ ending: "interrupted", state: { step: 2 } });
    expect(existsSync(join(run, "state", "checkpoint.safetensors"))).toBe(true);
    expect(await train(config("resumed", { resume: true }))).toMatchObject({ folder: run, state: { step: 6 } });
    const checkpoint = join(run, "state", "checkpoint.safetensors");
    await writeFile(checkpoint, (await readFile(checkpoint)).subarray(0, 5000));
    await expect(train(config("resumed", { resume: true }))).rejects.toThrow(
      /checkpoint\.safetensors: expected a chec/,
    );
  });
});

describe("the score in a weights file", () => {
  const metadata = async (run: string, name = "last") =>
    readSafetensors(await readFile(join(run, "weights", `${name}.safetensors`))).metadata;

  test("is that of just those weights, or none", async () => {
    const stopped = await train(config("measured", { time: "0.001s" }));
    expect(stopped).toMatchObject({ ending: "time", state: { step: 1, best: { epoch: 1 } } });
    const { meanIoU } = stopped.state.best!;
    expect(JSON.parse((await metadata(stopped.folder)).score)).toMatchObject({ meanIoU });
    // The same epoch goes on: its validation was before the second step.
    const { folder: run } = await train(config("measured", { resume: true }), watched(1).options);
    expect(await metadata(run)).not.toHaveProperty("score");
    expect(await metadata(run)).not.toHaveProperty("command");
    expect(JSON.parse((await metadata(run, "best")).score)).toMatchObject({ meanIoU });
    // The second epoch has begun: the validation was at the end of the first.
    const later = await train(config("later"), watched(4).options);
    expect(later.state).toMatchObject({ step: 4, best: { epoch: 1 } });
    expect(await metadata(later.folder)).not.toHaveProperty("score");
  });

  test("is what its command gives, for weights that are not the best as well, and of crops that are no squares", async () => {
    const root = relative(process.cwd(), join(folder, "scenes"));
    const wide = { crop: [41, 57], validation: { crop: [33, 25] } } as const;
    const { folder: run, state } = await train(config("worse", { data: { root }, ...wide, lr: 0.5 }));
    for (const name of ["best", "last"]) {
      const { score, command, crop } = await metadata(run, name);
      const [, ...args] = command.split(" ");
      const { meanIoU } = JSON.parse((await pspnet([...args, "--json"])).out);
      expect(JSON.parse(score).meanIoU, name).toBeCloseTo(meanIoU, 12);
      expect(crop).toBe("[41,57]");
    }
    expect(JSON.parse((await metadata(run, "best")).score).meanIoU).toBe(state.best?.meanIoU);
  });
});

describe("the time of training", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  /** A batch takes `seconds` to come. Nothing else takes any time, but that each image of a validation takes a minute. */
  function slowLoader(seconds: number) {
    const epoch = Loader.prototype.epoch;
    vi.spyOn(Loader.prototype, "epoch").mockImplementation(async function* (this: Loader, ...args) {
      for await (const batch of epoch.apply(this, args)) {
        vi.advanceTimersByTime(1000 * seconds);
        yield batch;
      }
    });
    const rates: string[] = [];
    const controller = new AbortController();
    const write = (text: string) => {
      if (text.startsWith("validate")) vi.advanceTimersByTime(60_000);
      rates.push(...(/images\/s (\S+)/.exec(text)?.slice(1) ?? []));
      if (text.includes(" 2/6")) controller.abort();
    };
    return { rates, options: { signal: controller.signal, stream: { isTTY: true, columns: 200, write } } };
  }

  test("counts waiting for the loader, and neither validations nor saves", async () => {
    const { options } = slowLoader(2);
    const { state } = await train(config("slow"), { ...options, signal: undefined });
    expect(state).toMatchObject({ step: 6, seconds: expect.closeTo(12, 9) });
    expect(state.elapsed).toBeCloseTo(12 + 2 * 4 * 60, 9);
    const timed = await train(config("timed", { time: "7s" }), { stream: options.stream });
    expect(timed).toMatchObject({ ending: "time", state: { step: 4 } });
  });

  test("gives the images a second of late, also after a resume", async () => {
    const slow = slowLoader(100);
    await train(config("paced"), slow.options);
    expect(slow.rates).toEqual(["0.0", "0.0"]);
    vi.restoreAllMocks();
    const fast = slowLoader(2);
    await train(config("paced", { resume: true }), fast.options);
    expect(fast.rates).toEqual(Array(4).fill("2.0"));
  });
});
