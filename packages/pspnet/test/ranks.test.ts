/** Runs of several processes beside runs of one. */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { cp, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { launch, type TrainConfig, type TrainConfigInput, type TrainOptions } from "pspnet";
import { beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { readMetrics } from "../src/report/metricsCsv.js";
import { end, environment, freePort, launched, RankRun, reaches } from "./support/rankRun.js";
import { lastWeights, smallRun, withScenes } from "./support/smallRun.js";

let folder: string;
withScenes(
  (made) => {
    folder = made;
  },
  { train: 24 },
);

/**
 * 21 steps, dropout and batch norm as the paper has them. So low a learning rate, since rounding grows with each step: at 0.001 one process on
 * two threads is 1e-2 from itself on one thread after as many.
 */
const config = (name: string, changes: Partial<TrainConfigInput> = {}) =>
  smallRun(folder, name, { batch: 8, epochs: 7, lr: 1e-5, validation: { every: 7 }, ...changes });

async function losses(run: string): Promise<number[]> {
  return (await readMetrics(join(run, "metrics.csv"))).flatMap(({ loss }) => (loss === undefined ? [] : [loss]));
}

const largest = (values: Iterable<number>) => Math.max(...Array.from(values, Math.abs));

/** The largest difference of losses, of weights, and of running statistics, these in shares of the largest. */
async function differences(one: string, other: string) {
  const [a, b] = [await losses(one), await losses(other)];
  expect(b).toHaveLength(a.length);
  const found = { losses: largest(a.map((loss, i) => loss - b[i])), weights: 0, statistics: 0 };
  const others = await lastWeights(other);
  for (const [name, values] of await lastWeights(one)) {
    const difference = largest(values.map((value, i) => value - others.get(name)![i]));
    if (/running_/.test(name)) found.statistics = Math.max(found.statistics, difference / largest(values));
    else found.weights = Math.max(found.weights, difference);
  }
  return found;
}

/** The folder of an unbroken run of two ranks: what several tests compare theirs with. */
let two: string;
beforeAll(async () => {
  two = (await launch(config("two", { ranks: 2 }), {})).folder;
});

test("one rank, two and four give the same losses, weights and statistics; with batch norm of their own they do not", async () => {
  const { folder: one } = await launch(config("one"), {});
  const { folder: four } = await launch(config("four", { ranks: 4 }), {});
  const { folder: apart } = await launch(config("apart", { ranks: 2, syncBn: false }), {});
  for (const other of [two, four]) {
    const found = await differences(one, other);
    expect(found.losses).toBeLessThan(1e-5);
    expect(found.weights).toBeLessThan(1e-4);
    expect(found.statistics).toBeLessThan(1e-4);
  }
  const found = await differences(one, apart);
  expect(found.losses).toBeGreaterThan(1e-3);
});

test("gradients sent in bfloat16 are rounded, by little", async () => {
  const { folder: exact } = await launch(config("exact", { ranks: 2, epochs: 1 }), {});
  const { folder: rounded } = await launch(config("rounded", { ranks: 2, epochs: 1, wire: "bf16" }), {});
  const found = await differences(exact, rounded);
  expect(found.weights).toBeGreaterThan(0);
  expect(found.weights).toBeLessThan(1e-5);
});

/** A terminal, whose live line tells of every step but those that follow within a tenth of a second. */
const terminal = (write: (text: string) => void) => ({ isTTY: true, columns: 100, write });

const stepsTold = (text: string) => Number(/train .*?(\d+)\/21/.exec(text)?.[1] ?? 0);

/** Aborts once the live line tells of so many steps. */
function abortedAfter(step: number): Pick<TrainOptions, "signal" | "stream"> {
  const controller = new AbortController();
  const stream = terminal((text) => {
    if (stepsTold(text) >= step) controller.abort();
  });
  return { signal: controller.signal, stream };
}

test("a run goes on with more ranks, or fewer, in the middle of an epoch", async () => {
  const first = await launch(config("parts", { ranks: 2 }), abortedAfter(4));
  const second = await launch(config("parts", { ranks: 1, resume: true }), abortedAfter(13));
  expect([first.ending, second.ending]).toEqual(["interrupted", "interrupted"]);
  const { folder: parts } = await launch(config("parts", { ranks: 4, resume: true }), {});
  const found = await differences(two, parts);
  expect(found.losses).toBeLessThan(1e-5);
});

/** Processes that this one has started. */
function children(): number[] {
  const tasks = readdirSync("/proc/self/task");
  return tasks.flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, "utf8").split(" ").filter(Boolean).map(Number),
  );
}

/** Kills the process that was started last, once the live line tells of that step. */
function killing(step: number) {
  const text: string[] = [];
  let killed = false;
  const stream = terminal((line) => {
    text.push(line);
    if (killed || stepsTold(line) < step) return;
    killed = true;
    process.kill(children().at(-1)!, "SIGKILL");
  });
  return { stream, text };
}

test.runIf(process.platform === "linux")("a rank that is killed is named, and the checkpoint stands", async () => {
  const run = launch(config("killed", { ranks: 2, saveEvery: "0s" }), killing(3));
  await expect(run).rejects.toThrow(/^rank 1: its process ended: killed by SIGKILL; what was saved before is kept/);
  const { state } = await launch(config("killed", { resume: true }), {});
  expect(state.step).toBe(21);
});

test.runIf(process.platform === "linux")("with restarts all begin again at the checkpoint", async () => {
  const { stream, text } = killing(4);
  const { folder: run, state } = await launch(config("restarted", { ranks: 2, restarts: 1, saveEvery: "0s" }), {
    stream,
  });
  expect(text.join("")).toMatch(/killed by SIGKILL.*\nbeginning again at the last checkpoint, 0 times more/);
  expect(text.join("")).toMatch(
    /ranks: gradients were on their way for [\d.]+ s, \d+ % of it while .* s for batch norm\n/,
  );
  expect(state.step).toBe(21);
  expect(await losses(run)).toEqual(await losses(two));
  expect(await lastWeights(run)).toEqual(await lastWeights(two));
});

test("what a rank finds wrong is told as one process tells it", async () => {
  const missing = config("missing", { ranks: 2, data: { root: join(folder, "nowhere") } });
  await expect(launch(missing, {})).rejects.toMatchObject({ code: "data", message: /nowhere/ });
  await expect(launch(config("odd", { ranks: 3 }), {})).rejects.toThrow(/batch that 3 ranks share/);
});

/** A file that the command line trains by. */
async function written(config: TrainConfig): Promise<string> {
  const file = join(folder, `${config.name}-${config.data.root.replace(/\W/g, "")}.yaml`);
  await writeFile(file, stringify(config));
  return file;
}

/** Milliseconds, but for those in which this thread was to run and other programs had the processor (man 5 proc, schedstat). */
function awake(): number {
  const [, waited] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, "utf8").split(" ");
  return performance.now() - Number(waited) / 1e6;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await setTimeout(5);
}

describe.runIf(process.platform === "linux")("commands of their own", () => {
  test("a rank's event loop goes on while its forward pass waits for another that stands still", async () => {
    // So large that most of a step is forward and backward, where ranks wait for each other.
    const run = config("waits", { epochs: 1000, crop: 121, timeout: "60s" });
    const port = String(await freePort());
    const other = new RankRun([await written(run)], environment({ rank: 1, size: 2, port }));
    let [step, stops] = [0, 0];
    const blocked: number[] = [];
    const enough = new AbortController();
    const stream = terminal((text) => {
      step = Number(/train .*?(\d+)\/3000/.exec(text)?.[1] ?? step);
    });
    const place = environment({ rank: 0, size: 2, port });
    Object.assign(process.env, place);
    const trained = launch(run, { stream, signal: enough.signal });
    for (const name of Object.keys(place)) delete process.env[name];
    await until(() => step > 0);
    // Another process stops it: this one might only do so while it does not wait itself.
    const { pid } = other.child;
    const stopping = `while kill -STOP ${pid}; do echo; sleep 0.3; kill -CONT ${pid}; sleep 0.2; done 2>&-`;
    spawn("sh", ["-c", stopping]).stdout.on("data", () => {
      if (++stops === 10) enough.abort();
    });
    let last = awake();
    const watch = setInterval(() => {
      const now = awake();
      blocked.push(now - last - 5);
      last = now;
    }, 5);
    expect((await trained).ending).toBe("interrupted");
    clearInterval(watch);
    expect((await other.ended).code).toBe(0);
    // Milliseconds; where a rank trains on this thread, most stops are one of 300 and more.
    blocked.sort((a, b) => b - a);
    console.log(`${stops} stops, longest blocks ${blocked.slice(0, stops).map(Math.round).join(", ")} ms`);
    expect(blocked[2]).toBeLessThan(50);
  });

  test("ranks whose command is killed save what they have and end", async () => {
    const run = config("orphaned", { ranks: 2, epochs: 1000, saveEvery: "0s" });
    const command = new RankRun([await written(run)]);
    await reaches(command, join(folder, "runs", "orphaned"), 2);
    const ranks = command.ranks();
    expect(ranks).toHaveLength(2);
    command.child.kill("SIGKILL");
    expect(await end(ranks, 10_000)).toBe(true);
    const { state } = await launch({ ...run, ranks: 1, time: "0s", resume: true }, {});
    expect(state.step).toBeGreaterThan(2);
  });

  test("a second Ctrl-C waits for no rank", async () => {
    const command = new RankRun([await written(config("stopped", { ranks: 2, epochs: 1000, saveEvery: "0s" }))]);
    await reaches(command, join(folder, "runs", "stopped"), 2);
    const [first, second] = command.ranks();
    process.kill(second, "SIGSTOP");
    command.child.kill("SIGINT");
    await setTimeout(1100);
    command.child.kill("SIGINT");
    expect((await command.ended).code).toBe(1);
    expect(await end([first], 5000)).toBe(true);
    process.kill(second, "SIGCONT");
    expect(await end([second], 5000)).toBe(true);
  });

  test("one with another dataset is named by each", async () => {
    const other = join(folder, "other");
    await cp(join(folder, "scenes"), other, { recursive: true });
    const mask = readdirSync(other, { recursive: true }).find((file) => /train.*\.png$/.test(String(file)));
    await truncate(join(other, String(mask)), 40);
    const files = [await written(config("differs")), await written(config("differs", { data: { root: other } }))];
    for (const { ended } of await launched((rank) => [files[rank]])) {
      const { code, text } = await ended;
      expect(text).toMatch(/^pspnet: train: expected one dataset on all ranks, but that of rank 1 is not rank 0's/m);
      expect(code).toBe(2);
    }
  });
});
