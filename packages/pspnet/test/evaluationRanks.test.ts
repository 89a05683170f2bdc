/** `val` and `predict` over ranks, and by shards, beside one process. */
import type { ChildProcess } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { cudaAvailable } from "@pspnet/torch";
import { alone, ConfusionMatrix, openDataset, pspnetConfig, randomWeights, sceneClasses, writeScenes } from "pspnet";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { loadDataConfig } from "../src/config/load.js";
import { datasetIdentity } from "../src/data/identity.js";
import { evaluateApart, evaluateTogether } from "../src/evaluation/evaluateTogether.js";
import { fileDigest } from "../src/evaluation/fileDigest.js";
import { writePart } from "../src/evaluation/partFile.js";
import { isTemporaryFile } from "../src/files/atomicWrite.js";
import { type Outcome, pspnet } from "./support/cli.js";

vi.mock(import("../src/data/identity.js"), { spy: true });
vi.mock(import("../src/evaluation/fileDigest.js"), { spy: true });

let folder: string;
/** Ten images to score, two of them, and ten of which one has a broken mask. */
let [ten, two, broken]: string[] = [];
/** What one process tells and writes of the ten. */
let one: Outcome;

const run = (args: readonly string[], options: Parameters<typeof pspnet>[1] = {}) =>
  pspnet(args, { cwd: folder, ...options });
const val = (data: string, ...flags: string[]) => run(["val", "scenes", "--data", data, "--json", ...flags]);

/** The same in this process. */
const task = (data: string) => ({
  weights: "scenes",
  data,
  split: "val",
  network: { runtime: "torch", precision: "auto", device: "auto" } as const,
  choice: {},
});
const quiet = { signal: new AbortController().signal, stream: { write() {} } };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pspnet-evaluation-"));
  [ten, two, broken] = ["ten", "two", "broken"].map((name) => join(folder, name));
  await writeScenes({ folder: ten, train: 1, val: 10, width: 57, height: 49, seed: 0 });
  await writeScenes({ folder: two, train: 1, val: 2, width: 57, height: 49, seed: 0 });
  await cp(ten, broken, { recursive: true });
  await writeFile(join(broken, "val", "masks", "00007.png"), "no picture");
  one = await val(ten, "--out", "one");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Weights whose classes are apart by what rounds a classifier's sums, so that labels tell of every bit before it. */
function tiedWeights(): Uint8Array {
  const fields = { layers: 18, width: 32, headChannels: 64, aux: false } as const;
  const config = pspnetConfig({ classes: sceneClasses.names.length, ...fields });
  const file = randomWeights(config, { seed: 1, classes: sceneClasses });
  const start = 8 + Number(new DataView(file.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, start)));
  const values = (name: string) => {
    const [from, to] = header[name].data_offsets;
    return new Float32Array(file.buffer, start + from, (to - from) / 4);
  };
  values("cls.4.bias").fill(0);
  const weights = values("cls.4.weight");
  for (const [i, value] of weights.entries()) weights[i] = weights[i % fields.headChannels] * (1 + 1e-6 * value);
  return file;
}

/** What `--json` tells, but for the time that it took. */
function told({ code, out, err }: Outcome): unknown {
  expect(code, err).toBe(0);
  const { seconds, ...rest } = JSON.parse(out);
  expect(seconds).toBeGreaterThanOrEqual(0);
  return rest;
}

/** Every file below a folder, with its bytes. */
async function filesOf(name: string): Promise<Map<string, string>> {
  const entries = await readdir(join(folder, name), { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const read = paths.map(
    async (path) => [path.slice(join(folder, name).length), await readFile(path, "base64")] as const,
  );
  return new Map(await Promise.all(read));
}

test("a dataset is known wherever it lies, and by its files", async () => {
  const identity = async (root: string) => {
    const { data } = await loadDataConfig(root, {});
    return datasetIdentity(await openDataset(data, "val"));
  };
  const moved = join(folder, "moved");
  await cp(ten, moved, { recursive: true });
  expect(await identity(moved)).toBe(await identity(ten));
  const others = await Promise.all([ten, two, broken].map(identity));
  expect(new Set(others).size).toBe(3);
});

describe("val", () => {
  test("over 3 ranks of 10 images is one process's, to the integer and to the byte", async () => {
    const three = await val(ten, "--ranks", "3", "--out", "three");
    expect(told(three)).toEqual(told(one));
    expect(three.err).toMatch(/^val 10\/10 \(100 %\) {2}mIoU \d+\.\d+$/m);
    const files = await filesOf("three");
    expect(files).toEqual(await filesOf("one"));
    expect([...files.keys()].filter((name) => name.startsWith("/predictions/"))).toHaveLength(10);
  });

  test("over more ranks than images too", async () => {
    const shared = JSON.parse((await val(two, "--ranks", "3")).out);
    vi.clearAllMocks();
    const whole = await evaluateTogether({ ...task(two), out: null, worst: 1 }, { ...quiet, world: alone });
    // It has nobody to show that weights and dataset are the same.
    expect([fileDigest, datasetIdentity].map((asked) => vi.mocked(asked).mock.calls.length)).toEqual([0, 0]);
    const scores = new ConfusionMatrix(sceneClasses.names.length, whole!.counts).scores();
    expect(shared).toMatchObject({ images: 2, pixelAccuracy: scores.pixelAccuracy, meanIoU: scores.meanIoU });
  });

  test("of a network whose convolutions may be Winograd's is one process's to the integer, on any number of threads", async () => {
    await writeFile(join(folder, "wide.safetensors"), tiedWeights());
    const wide = { ...task(ten), weights: join(folder, "wide.safetensors"), out: null, worst: 1 };
    const counts = async (threads: number) => {
      const network = { ...wide.network, precision: "fp32", threads } as const;
      return (await evaluateTogether({ ...wide, network }, { ...quiet, world: alone }))!.counts;
    };
    const whole = await counts(1);
    expect(await counts(2)).toEqual(whole);
    const shared = await run([
      "val",
      "wide.safetensors",
      "--data",
      ten,
      "--precision",
      "fp32",
      "--ranks",
      "2",
      "--json",
    ]);
    const { seconds, ...scores } = JSON.parse(shared.out);
    expect(scores).toMatchObject(new ConfusionMatrix(sceneClasses.names.length, whole).scores());
  });

  test("by shards, merged, is one process's, to the integer and to the byte", async () => {
    const parts = join(folder, "parts");
    vi.clearAllMocks();
    for (const number of [1, 2]) {
      const part = await evaluateApart({ ...task(ten), out: parts }, { number, of: 3 }, quiet);
      await writePart(parts, part);
    }
    expect([fileDigest, datasetIdentity].map((asked) => vi.mocked(asked).mock.calls.length)).toEqual([2, 2]);
    const last = await val(ten, "--shard", "3/3", "--out", "parts");
    expect(JSON.parse(last.out)).toMatchObject({ file: "parts/part-3-of-3.json", images: 3 });
    const merged = await run(["val", "--merge", "parts", "--out", "merged", "--json"]);
    expect(told(merged)).toEqual(told(one));
    expect(await filesOf("merged")).toEqual(await filesOf("one"));

    await rm(join(parts, "part-2-of-3.json"));
    const lacking = await run(["val", "--merge", "parts"]);
    expect(lacking).toMatchObject({ code: 2, out: "" });
    expect(lacking.err).toMatch(/^pspnet: val: expected 3 parts, found none of number 2; make them with --shard 2\/3/);
  });

  test("tells what one rank finds wrong once, by its name, and ends", async () => {
    const { code, out, err } = await val(broken, "--ranks", "2");
    expect([code, out]).toEqual([1, ""]);
    expect(err.match(/^pspnet: .*$/gm)).toEqual([
      expect.stringMatching(/^pspnet: rank 1: .*00007\.png: expected a PNG mask that can be decoded/),
    ]);
  });

  test.skipIf(cudaAvailable())("has a GPU for each rank, or says that there is none", async () => {
    const asked = await val(two, "--ranks", "2", "--device", "cuda");
    expect(asked).toMatchObject({ code: 1, out: "" });
    expect(asked.err.match(/^pspnet: .*$/gm)).toEqual([
      expect.stringMatching(/^pspnet: device=cuda: expected a GPU, found none: .*; take device=cpu/),
    ]);
    const network = { ...task(two).network, device: "cuda:1" } as const;
    const own = evaluateTogether({ ...task(two), network, out: null, worst: 1 }, { ...quiet, world: alone });
    await expect(own).rejects.toThrow(/^device=cuda:1: /);
  });

  test("under a launcher its first rank tells all, its others nothing", async () => {
    const env = { WORLD_SIZE: "2", MASTER_ADDR: "127.0.0.1", MASTER_PORT: "29617" };
    const both = (data: string) =>
      Promise.all(
        ["0", "1"].map((RANK) => run(["val", "scenes", "--data", data, "--json"], { env: { ...env, RANK } })),
      );
    const [first, second] = await both(ten);
    expect(told(first)).toEqual(told(one));
    expect(second).toMatchObject({ code: 0, out: "", err: "" });
    const failed = await both(broken);
    expect(failed[0].err).toMatch(/pspnet: rank 1: .*00007\.png/);
    expect(failed.map(({ code }) => code)).toEqual([1, 1]);
    expect(failed[1]).toMatchObject({ out: "", err: "" });
  });
});

/** Processes that one has started. */
function children({ pid }: ChildProcess): number[] {
  const tasks = readdirSync(`/proc/${pid}/task`);
  return tasks.flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean).map(Number),
  );
}

/** Scores for a long time, and does something to it once the live line tells of an image. */
async function disturbed(out: string, disturb: (child: ChildProcess) => void) {
  let ranks: number[] = [];
  const args = ["val", "scenes", "--data", ten, "--scales", "3,4,5", "--flip", "--ranks", "2", "--out", out];
  const outcome = await run(args, {
    onMessage: (text, child) => {
      if (ranks.length > 0 || !/^val \d/m.test(text)) return;
      ranks = children(child);
      disturb(child);
    },
  });
  const alive = ranks.filter((pid) => readdirSync("/proc").includes(String(pid)));
  const written = await filesOf(out);
  return {
    ...outcome,
    ranks,
    alive,
    unfinished: [...written.keys()].filter((name) => !/^\/predictions\/\d+\.png$/.test(name)),
  };
}

describe.runIf(process.platform === "linux")("val over ranks that is disturbed", () => {
  test("names a rank that is killed, ends the others and leaves nothing half written", async () => {
    const { code, out, err, unfinished, ...found } = await disturbed("killed", (child) =>
      process.kill(children(child)[1], "SIGKILL"),
    );
    expect([code, out]).toEqual([1, ""]);
    expect(err.match(/^pspnet: .*$/gm)).toEqual([
      "pspnet: rank 1: its process ended: killed by SIGKILL; nothing is scored; start it again",
    ]);
    expect(found).toMatchObject({ ranks: { length: 2 }, alive: [] });
    // The one file that the killed rank may have been at has a name that nothing takes for a prediction.
    expect(unfinished.length).toBeLessThanOrEqual(1);
    for (const name of unfinished) expect(basename(name)).toSatisfy(isTemporaryFile);
  });

  test("ends all by Ctrl-C", async () => {
    const { code, out, err, ...found } = await disturbed("stopped", (child) => child.kill("SIGINT"));
    expect([code, out]).toEqual([1, ""]);
    expect(err).toMatch(/\npspnet: stopped before the end\n$/);
    expect(found).toMatchObject({ ranks: { length: 2 }, alive: [], unfinished: [] });
  });
});

describe("predict", () => {
  test("over ranks writes and tells what one process does, by shards a share of it", async () => {
    const photos = join(folder, "photos");
    await cp(join(ten, "val", "images"), photos, { recursive: true });
    await writeFile(join(photos, "00003.png"), "no picture");
    const predict = (out: string, ...flags: string[]) =>
      run(["predict", "scenes", photos, "--json", "--out", out, ...flags]);
    const alone = await predict("alone");
    const shared = await predict("shared", "--ranks", "2");
    expect(shared.out.replaceAll("shared/", "alone/")).toBe(alone.out);
    expect(shared.err.match(/^.*cannot be decoded|can be decoded.*$/gm)).toHaveLength(1);
    expect([alone.code, shared.code]).toEqual([1, 1]);
    const files = await filesOf("alone");
    expect(files.size).toBe(9 * 4);
    expect(await filesOf("shared")).toEqual(files);

    const last = await predict("last", "--shard", "10/12");
    expect(JSON.parse(last.out)).toEqual([expect.objectContaining({ image: join(photos, "00009.png") })]);
    expect([...(await filesOf("last")).keys()].sort()).toEqual(
      [".colour.png", ".json", ".labels.png", ".overlay.png"].map((end) => `/00009${end}`),
    );
  });
});
