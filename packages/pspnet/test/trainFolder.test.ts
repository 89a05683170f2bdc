import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { LabelMap } from "@pspnet/core";
import { loadTrainConfig, makeScene, openDataset } from "pspnet";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { encodePng } from "../src/files/png.js";
import { plannedConfig } from "../src/plan/plannedConfig.js";
import { planRun } from "../src/plan/planRun.js";
import { type PspnetOptions, pspnet } from "./support/cli.js";

// Somebody's folder, trained on without a configuration.

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "pspnet-folder-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const put = async (path: string, content: Uint8Array | string) => {
  const file = join(root, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
};

const SIZE = { width: 48, height: 40 };
const COLOURS = [
  [20, 20, 20],
  [230, 40, 40],
  [40, 60, 230],
] as const;

/** A photograph, and where in it are which of three things. */
function sample(seed: number) {
  const { image, label } = makeScene({ ...SIZE, seed: 1, index: seed });
  return { image, label: { ...label, data: label.data.map((id) => id % 3) } };
}

const coloured = ({ data, ...size }: LabelMap) =>
  encodePng({ ...size, data: Uint8Array.from([...data].flatMap((id) => COLOURS[id])) });

async function putColoured(names: readonly string[]): Promise<void> {
  for (const [i, name] of names.entries()) {
    const { image, label } = sample(i);
    await put(`pets/shots/${name}.png`, await encodePng(image));
    await put(`pets/paint/${name}.png`, await coloured(label));
  }
}

const letters = (text: string) => [...text].map((letter) => `pet-${letter}`);
/** Where no weights were pulled, whatever the tests' own user has. */
const here = (): PspnetOptions => ({ cwd: root, env: { PSPNET_HOME: join(root, "home") } });
const train = (...args: string[]) => pspnet(["train", ...args], here());
/** What a plan is short with. */
const SHORT = ["--budget", "1s", "threads=1", "workers=0"];

const TINY = ["model.backbone.width=8", "model.head.channels=8", "model.auxiliary.channels=8"];

/** Sends one Ctrl-C when the messages match. */
function interruptAt(pattern: RegExp): PspnetOptions["onMessage"] {
  let sent = false;
  return (text, child) => {
    if (!sent && pattern.test(text)) sent = child.kill("SIGINT");
  };
}

const read = (path: string) => readFile(join(root, path), "utf8");

/** Who is in the splits of a run, as its configuration has it now. */
async function splitsOf(run: string) {
  const { data } = await loadTrainConfig(join(root, "runs", run, "config.yaml"), [], root);
  const [training, validation] = await Promise.all([openDataset(data, "train"), openDataset(data, "val")]);
  const ids = ({ source }: typeof training) => source.pairs.map(({ image }) => image);
  return { train: ids(training), val: ids(validation) };
}

describe("a folder that nobody configured", () => {
  it("of Labelme's polygons is trained on to a report", async () => {
    for (let i = 0; i < 6; i++) {
      await put(`hall/photo ${i}.png`, await encodePng(sample(i).image));
      const box = (label: string, x: number) => ({
        label,
        shape_type: "polygon",
        points: [
          [x, 5 + i],
          [x + 18, 5],
          [x + 16, 35],
          [x, 30],
        ],
      });
      const shapes = [box("door", 2), box("window", 26)];
      const annotation = { imagePath: `photo ${i}.png`, imageWidth: SIZE.width, imageHeight: SIZE.height, shapes };
      await put(`hall/photo ${i}.json`, JSON.stringify(annotation));
    }
    const { code, out, err } = await train("hall", ...SHORT);
    expect(err).toContain("Labelme's JSON files");
    expect(err).toContain("5 photographs to train on, 1 to validate on, 40x48; 3 classes: background, door, window");
    expect(err).toMatch(/budget=1s +as you say/);
    expect(out).toContain("report: runs/hall/report.html");
    expect(code).toBe(0);
    expect(await read("runs/hall/report.html")).toContain("door");
    expect(await read("runs/hall/plan.txt")).toMatch(/crop=\[41,49\] +photographs are 40x48/);
    const [weights] = (await readdir(join(root, "runs/hall/weights"))).filter((name) => name.startsWith("best"));
    expect(weights).toBe("best.safetensors");
  });

  it("of coloured masks without a split has one that is written down, and is resumed on it whatever is there by then", async () => {
    await putColoured(letters("abcdefgh"));
    const first = await train("pets", ...SHORT, "seed=3");
    expect(first.err).toContain("masks of 3 colours: each is a class");
    expect(first.err).toContain("2 of 8 samples held out to validate on, seed 3");
    expect(first.out).toContain("report: runs/pets/report.html");
    expect(first.code).toBe(0);
    const before = await splitsOf("pets");
    expect([before.train.length, before.val.length]).toEqual([6, 2]);
    await putColoured(letters("abcdefghijklmnop"));
    expect(await splitsOf("pets")).toEqual(before);
    const again = await train("pets", ...SHORT, "seed=3", "resume=true");
    expect(again.err).toContain("runs/pets is trained to its end");
    expect(again.err).not.toContain("held out");
    expect(again.code).toBe(0);
    expect(await splitsOf("pets")).toEqual(before);
  });

  it("is planned anew by a second run, under a name of its own, around what is given", async () => {
    await putColoured(letters("abcdef"));
    const given = ["lr=0.005", "batch=2", "crop=33", ...TINY];
    await train("pets", ...SHORT, ...given);
    const { code, err } = await train("pets", ...SHORT, ...given);
    expect(code).toBe(0);
    for (const line of [/lr=0.005 +as you say/, /batch=2 +as you say/, /crop=33 +as you say/])
      expect(err).toMatch(line);
    const config = await loadTrainConfig(join(root, "runs/pets-2/config.yaml"), [], root);
    expect(config).toMatchObject({ lr: 0.005, batch: 2, crop: 33, budget: "1s", headLrFactor: 1, classWeights: null });
    expect(config.model.backbone).toMatchObject({ layers: 18, width: 8 });
  });

  it("is stopped and gone on with as the message says", async () => {
    await putColoured(letters("abcdef"));
    const keys = ["data.val=50%", "epochs=4000", "threads=1", "workers=0", ...TINY];
    const stopped = await pspnet(["train", "pets", ...keys], {
      ...here(),
      onMessage: interruptAt(/train [1-9]/),
    });
    expect(stopped.err).toMatch(
      /saved in runs\/pets; go on with\n {2}npx pspnet train pets data.val=50% epochs=4000 .*resume=true/,
    );
    expect(stopped.code).toBe(1);
    const resumed = await train("pets", ...keys, "resume=true", "time=0.1s");
    expect(resumed.err).not.toContain("chosen");
    expect(resumed.code).toBe(0);
    const other = await train(root, "resume=true", "name=pets");
    expect(other.err).toContain(`expected a run on ${root}, found one on ${join(root, "pets")}`);
  });

  it("leaves nothing when it is stopped before the first step", async () => {
    await putColoured(letters("abcdef"));
    const { code, err } = await pspnet(["train", "pets"], {
      ...here(),
      onMessage: interruptAt(/measuring/),
    });
    expect(err).toContain("stopped before the first step: nothing is kept");
    expect(code).toBe(1);
    expect(await readdir(join(root, "runs"))).toEqual([]);
  });
});

describe("what cannot be trained on is said", () => {
  it.each([
    ["empty", "found no image in it"],
    ["photographs", "found 2 images such as a.png, and no masks for them"],
    ["one", "expected 2 photographs with masks at least, one to train on and one to validate on, found 1"],
  ])("%s", async (name, message) => {
    const { image, label } = sample(1);
    await mkdir(join(root, "empty"));
    for (const file of ["photographs/a.png", "photographs/b.png", "one/images/a.png"])
      await put(file, await encodePng(image));
    await put("one/masks/a.png", await coloured(label));
    const runs = join(root, "runs");
    await expect(planRun(join(root, name), { given: { runs } })).rejects.toThrow(message);
    expect(await readdir(runs)).toEqual([]);
  });

  it("a mask of another size than its photograph", async () => {
    await putColoured(letters("abc"));
    await put("pets/paint/pet-a.png", await coloured({ width: 2, height: 1, data: Uint8Array.of(0, 1) }));
    const planned = planRun(join(root, "pets"), { given: { runs: join(root, "runs"), seed: 1 } });
    await expect(planned).rejects.toThrow(/pet-a\.png: expected a mask of 40x48 as .*pet-a\.png, found 1x2/);
  });

  it("a run that is not there to be resumed", async () => {
    await expect(plannedConfig(join(root, "pets"), { resume: true })).rejects.toThrow(
      `resume=true: expected a run on ${join(root, "pets")} in ${join("runs", "pets")}, found none`,
    );
  });
});
