import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { allScores, readScores, scoresFolder } from "../src/ablate/scores.js";
import { parseSettings } from "../src/ablate/settings.js";
import { planRuns, planTables } from "../src/ablate/study.js";
import { checkStudyFolder } from "../src/ablate/studyFolder.js";
import { type RunTask, trainRun } from "../src/ablate/trainRun.js";
import { loadTrainConfig } from "../src/config/load.js";
import { FolderLock } from "../src/files/folderLock.js";
import { shareOf } from "../src/ranks/share.js";
import { readMetrics } from "../src/report/metricsCsv.js";
import { pspnet } from "./support/cli.js";
import { lastWeights, withScenes } from "./support/smallRun.js";

let folder: string;
withScenes((made) => {
  folder = made;
});

const study = (words: string) => parseSettings(words.split(" "), "/work");
const plan = (words: string) => {
  const { base, depths } = study(words);
  return planTables(base, depths);
};
const variantsOf = (tables: ReturnType<typeof plan>) =>
  new Map(tables.flatMap(({ rows }) => rows.map(({ variant }) => [variant.name, variant.config] as const)));

describe("the plan", () => {
  test("trains what rows of several tables share once for each seed", () => {
    const tables = plan("scale=laptop");
    expect(tables.map(({ rows }) => rows.length)).toEqual([7, 5, 6, 6]);
    const runs = planRuns(tables, { seeds: 3, folder: "/study" });
    expect(runs).toHaveLength(3 * 14);
    expect(new Set(runs.map(({ id }) => id)).size).toBe(3 * 14);
    const [, , , four] = tables;
    const [, , depths] = tables;
    expect(four.rows.map(({ variant }) => variant.name)).toEqual([
      ...["fcn-aux0-plain", "fcn-aux0", "fcn", "b1236-average-reduced", "depth50", "depth50"],
    ]);
    expect(tables[1].rows[2].variant.name).toBe("fcn");
    expect(depths.rows[0].variant.name).toBe("b1236-average-reduced");
    const psp = runs.filter(({ variant }) => variant === "b1236-average-reduced");
    expect(psp.map(({ seed, tests }) => [seed, tests])).toEqual([0, 1, 2].map((seed) => [seed, ["single", "multi"]]));
    expect(psp[1].config).toMatchObject({ seed: 1, name: "b1236-average-reduced-seed1", runs: "/study/runs" });
    expect(planRuns([four], { seeds: 1, folder: "/study" })).toHaveLength(5);
  });

  test("shares its runs out without loss", () => {
    const runs = planRuns(plan("scale=laptop"), { seeds: 2, folder: "/study" });
    const shares = [1, 2, 3].map((number) => shareOf(runs, { number, of: 3 }));
    expect(shares.map(({ length }) => length)).toEqual([10, 9, 9]);
    expect(new Set(shares.flat())).toEqual(new Set(runs));
  });

  test("of the paper's scale is the paper's configuration, and the rows what its tables say", async () => {
    const example = fileURLToPath(new URL("../../../examples/paper/ade20k-50.yaml", import.meta.url));
    const paper = await loadTrainConfig(example, ["data.root=/ade", "validation.every=1000"], ".");
    const { base } = study("scale=paper data.root=/ade");
    expect(base).toEqual({ ...paper, name: base.name });
    const found = variantsOf(plan("scale=paper data.root=/ade init=/init/resnet{depth}.safetensors"));
    expect(found.size).toBe(15);
    const config = (name: string) => found.get(name)!;
    expect(config("fcn")).toMatchObject({ auxWeight: 0.4, model: { pyramid: { kind: "none" } } });
    expect(config("b1-max").model.pyramid).toMatchObject({ bins: [1], pool: "max", reduction: false });
    expect(config("b1236-average").model.pyramid).toMatchObject({
      bins: [1, 2, 3, 6],
      pool: "average",
      reduction: false,
    });
    expect(config("b1236-average-reduced")).toEqual({ ...base, init: "/init/resnet50.safetensors" });
    expect(config("fcn-aux0.9").auxWeight).toBe(0.9);
    expect(config("fcn-aux0-plain")).toMatchObject({
      auxWeight: 0,
      augment: { scaleMin: 1, scaleMax: 1, rotate: 0, blur: false, mirror: false },
    });
    const deep = await loadTrainConfig(example.replace("-50", "-269"), ["data.root=/ade"], ".");
    expect(config("depth269")).toMatchObject({ init: "/init/resnet269.safetensors", model: deep.model });
  });
});

/** A study of networks that are trained in a moment. */
const small = (out: string) => [
  ...[
    "scale=laptop",
    `out=${join(folder, out)}`,
    "seeds=1",
    "jobs=1",
    "depths=[18]",
    `data.root=${join(folder, "scenes")}`,
  ],
  ...[
    "crop=57",
    "batch=4",
    "epochs=2",
    "workers=0",
    "precision=fp32",
    "model.backbone.width=4",
    "model.head.channels=8",
  ],
];
const ablate = (words: readonly string[], onMessage?: (text: string, child: ChildProcess) => void) =>
  pspnet(["ablate", ...words], { cwd: folder, onMessage });

function task(out: string): RunTask {
  const { base, depths, scale } = parseSettings(small(out), folder);
  const [, , , table] = planTables(base, depths);
  const [run] = planRuns([table], { seeds: 1, folder: join(folder, out) });
  return { ...run, study: join(folder, out), protocols: scale.tests };
}

describe("a run", () => {
  test("broken off in the middle is resumed, and is the same as one that was not", async () => {
    const whole = await trainRun(task("whole"));
    const broken = task("broken");
    const stop = new AbortController();
    const onStep = (share: number) => share >= 0.5 && stop.abort();
    await expect(trainRun(broken, { signal: stop.signal, onStep })).rejects.toMatchObject({ code: "interrupted" });
    expect(await readScores(broken.study, broken.id)).toBeNull();
    const shares: number[] = [];
    const resumed = await trainRun(broken, { onStep: (share) => shares.push(share) });
    expect(shares[0]).toBeGreaterThan(0);
    expect(resumed?.tests).toEqual(whole?.tests);
    const weights = (of: RunTask) => lastWeights(join(of.study, "runs", of.id));
    expect(await weights(broken)).toEqual(await weights(task("whole")));
    expect(await readdir(join(broken.study, "runs"))).toEqual([broken.id]);
    // What is done is not trained again, and what is scored not scored.
    expect(await trainRun(broken, { onStep: () => expect.unreachable() })).toEqual(resumed);
  });

  test("killed before it saved anything begins again under its name", async () => {
    const killed = task("killed");
    await mkdir(join(killed.study, "runs", killed.id, "pictures"), { recursive: true });
    expect((await trainRun(killed))?.tests.single).toBeDefined();
    expect(await readdir(join(killed.study, "runs"))).toEqual([killed.id]);
  });

  test("that another process has is left to it", async () => {
    const taken = task("taken");
    const claim = scoresFolder(taken.study, taken.id);
    await mkdir(claim, { recursive: true });
    await using lock = new FolderLock({ what: "a run", doing: "trains it" });
    await lock.take(claim);
    expect(await trainRun(taken)).toBeNull();
    expect(existsSync(join(taken.study, "runs"))).toBe(false);
  });
});

describe("pspnet ablate", () => {
  const figures = async (out: string) =>
    (await allScores(join(folder, out))).map(({ variant, seed, tests }) => ({ variant, seed, tests }));

  test("in two shares side by side gives what one process gives, and tables with pictures", async () => {
    const one = await ablate([...small("one"), "seeds=2", "--table", "3"]);
    expect(one.err).not.toMatch(/pspnet:/);
    expect(one.code).toBe(0);
    const share = (i: number) => ablate([...small("two"), "seeds=2", `shard=${i}/2`, "--table", "3"]);
    const shares = await Promise.all([share(1), share(2)]);
    for (const { code, err } of shares) expect([code, err]).toEqual([0, expect.not.stringMatching(/pspnet:/)]);
    expect(await figures("two")).toMatchObject([{ seed: 0 }, { seed: 1 }]);
    expect(await figures("two")).toEqual(await figures("one"));
    const { out, code } = await ablate([...small("two"), "--show", "--table", "3"]);
    expect(code).toBe(0);
    expect(out.replaceAll("two", "one")).toBe(one.out);
    const cell = String.raw`\d+\.\d\d ± \d+\.\d\d`;
    expect(out).toMatch(
      new RegExp(`^ResNet-18 \\(the paper's 50\\) \\+ MS +${cell} +${cell} +2 +42\\.78 +80\\.76$`, "m"),
    );
    const file = (name: string) => join(folder, "two", name);
    const row = new RegExp(
      `^\\| \\+ DA \\+ AL \\+ PSP \\| ${cell} \\| ${cell} \\| 2 \\| 41\\.68 \\| 80\\.04 \\|$`,
      "m",
    );
    expect(await readFile(file("tables.md"), "utf8")).toMatch(row);
    expect((await readFile(file("tables.csv"), "utf8")).split("\n")).toHaveLength(1 + 7 + 5 + 2 + 5 + 1);
    expect((await readFile(file("runs.csv"), "utf8")).split("\n")).toHaveLength(1 + 2 * 2 + 1);
    expect((await sharp(file("table-3.png")).metadata()).width).toBeGreaterThan(500);
    expect(existsSync(file("table-2.png"))).toBe(false);
    expect(await readMetrics(file("runs/b1236-average-reduced-seed1/metrics.csv"))).not.toHaveLength(0);
  });

  test("stopped by Ctrl-C says how to go on", async () => {
    const words = [...small("stopped"), "epochs=300", "--table", "4"];
    const first = await ablate(words, (text, child) => {
      if (/^runs 0\.[1-9]/m.test(text) && !child.killed) child.kill("SIGINT");
    });
    expect(first.code).toBe(1);
    const stopped = "stopped with 0 of 4 runs done, what was begun is saved; go on with";
    expect(first.err).toMatch(new RegExp(`${stopped}\n {2}npx pspnet ablate scale=laptop out=\\S+ .*--table 4\n$`));
    expect(existsSync(join(folder, "stopped", "runs", "fcn-aux0-plain-seed0", "state", "checkpoint.safetensors"))).toBe(
      true,
    );
  });

  test("lists what is to do and what is done, and does nothing", async () => {
    const { out } = await ablate([...small("one"), "--table", "4,1", "--list"]);
    expect(out).toMatch(/^b1236-average-reduced-seed0 +1 4 +single multi +done$/m);
    expect(out).toMatch(/^b1-max-seed0 +1 +single +\d+s$/m);
    expect(out).toMatch(/^8 runs of 9 to train, \d+s expected, 1 run at a time$/m);
    const share = await ablate([...small("one"), "shard=2/4", "--table", "4,1", "--list"]);
    expect(share.out).toMatch(/^2 runs of 2 to train, /m);
    await ablate([...small("listed"), "--list"]);
    expect(existsSync(join(folder, "listed"))).toBe(false);
  });

  test("keeps to the study that a folder holds, and to folders of studies", async () => {
    const other = await ablate([...small("one"), "lr=0.2"]);
    expect(other.code).toBe(2);
    expect(other.err).toMatch(
      /one holds another study; give the study another folder by out=, or to go on set\n {2}lr: 0\.1 \(now 0\.2\)/,
    );
    const scale = await ablate(["scale=paper", `data.root=${folder}`, `out=${join(folder, "one")}`, "--show"]);
    expect(scale.err).toMatch(/to go on set\n {2}scale=laptop\n$/);
    const { err } = await ablate(["scale=laptop", `out=${join(folder, "scenes")}`]);
    expect(err).toMatch(/scenes: expected the folder of a study or none, found classes\.json/);
  });

  test("takes a folder in which another process is writing its description for none yet", async () => {
    const begun = join(folder, "begun");
    await mkdir(begun);
    await writeFile(join(begun, ".study.json.8ad856f4.part"), '{"scale"');
    expect(await checkStudyFolder(study(`scale=laptop out=${begun}`))).toBe(false);
  });

  test("names a broken file of scores, and scores its run again", async () => {
    const id = "b1236-average-reduced-seed0";
    const before = await figures("one");
    await writeFile(join(scoresFolder(join(folder, "one"), id), "scores.json"), "{");
    const broken = await ablate([...small("one"), "--show"]);
    expect(broken.err).toMatch(/reduced-seed0\S*: expected the scores of a run, found another text; delete it/);
    await rm(scoresFolder(join(folder, "one"), id), { recursive: true });
    expect(await ablate([...small("one"), "--table", "3"])).toMatchObject({ code: 0 });
    expect(await figures("one")).toEqual(before);
  });
});

describe("what the keys may be", () => {
  test.each([
    ["", "ablate: expected key=value"],
    ["seeds=3", "command line: scale: expected laptop or paper, found nothing"],
    ["scale=desktop", 'command line: scale: expected laptop or paper, found "desktop"'],
    ["scale=laptop shard=3/2", "command line: shard: expected i/n with i from 1 to n"],
    ["scale=laptop shard=0/2", "command line: shard: expected i/n, such as 1/2"],
    ["scale=laptop shard=2", "command line: shard: expected i/n, such as 1/2, found 2"],
    ["scale=laptop seeds=0", "command line: seeds: expected at least 1, found 0"],
    ["scale=laptop seed=x", "command line: seed: expected a number"],
    ["scale=laptop shards=1/2", 'command line: unknown key "shards"; did you mean "shard"?'],
    ["scale=laptop epoch=2", 'command line: unknown key "epoch"; did you mean "epochs"?'],
    ["scale=laptop depths=[18,101]", "command line: depths: expected some of [18,34,50], found [18,101]"],
    ["scale=laptop auxWeight=1", "command line: auxWeight: expected a key that no row or run decides"],
    ["scale=laptop model.bins=[1]", "command line: model.pyramid: expected a key that no row or run decides"],
    ["scale=laptop model.layers=50", "choose by depths=[...]"],
    ["scale=paper", "scale=paper: data.root: expected the folder of a dataset, found nothing"],
  ])("%s: %s", (words, said) => {
    expect(() => study(words)).toThrow(said);
  });
});
