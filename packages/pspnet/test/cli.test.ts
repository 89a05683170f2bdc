import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { backend } from "@pspnet/torch";
import {
  decodeNpy,
  describeWeights,
  encodeMask,
  encodePng,
  fromFloat32,
  initialise,
  makeScene,
  PSPNet,
  parseDescription,
  pspnetConfig,
  readImage,
  readMask,
  readSafetensors,
  type WritableTensor,
  writeSafetensors,
  writeScenes,
} from "pspnet";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runIn } from "./support/bare.js";
import { pspnet } from "./support/cli.js";
import { ORIENTATIONS, photographed, upright } from "./support/orientation.js";

let folder: string;
let scenes: string;
let weights: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pspnet-cli-"));
  scenes = join(folder, "scenes");
  weights = join(folder, "weights.safetensors");
  await writeScenes({ folder: scenes, train: 4, val: 3, width: 57, height: 49, seed: 0 });
  await writeFile(weights, smallWeights(16));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A network that knows nothing, with classes as many as the scenes' unless told otherwise. */
function smallWeights(count: number): Uint8Array {
  const config = pspnetConfig({ classes: count, layers: 18, width: 4, headChannels: 8, auxChannels: 8 });
  const model = new PSPNet(config);
  initialise(model, backend(), { seed: 0 });
  const tensors = new Map<string, WritableTensor>();
  for (const [name, { value, shape }] of model.stateDict()) {
    const values = (value as ReturnType<ReturnType<typeof backend>["tensor"]>).toArray() as Float32Array;
    tensors.set(name, { dtype: "float32", shape, bytes: fromFloat32(values, "float32") });
  }
  const names =
    count === 16
      ? [
          "sky",
          "skyscraper",
          "wall",
          "window",
          "road",
          "water",
          "floor",
          "grass",
          "tree",
          "car",
          "boat",
          "bed",
          "pillow",
          "person",
          "sign",
          "lamp",
        ]
      : Array.from({ length: count }, (_, id) => `class${id}`);
  const palette = names.map((_, id) => [id, 2 * id, 3 * id] as const);
  return writeSafetensors(tensors, describeWeights({ config, classes: { names, palette }, crop: 57, licence: "" }));
}

/** A copy of the scenes that a test may break. */
async function brokenScenes(name: string, breakIt: (root: string) => Promise<void>): Promise<string> {
  const root = join(folder, name);
  await cp(scenes, root, { recursive: true });
  await breakIt(root);
  return root;
}

async function trainOn(root: string, ...overrides: string[]) {
  const config = join(folder, "run.yaml");
  await writeFile(
    config,
    "model: { layers: 18, width: 4, headChannels: 8, auxChannels: 8 }\ncrop: 33\nbatch: 4\nepochs: 1\nworkers: 1\n",
  );
  return pspnet(["train", config, `data.root=${root}`, `runs=${join(folder, "runs")}`, ...overrides], { cwd: folder });
}

describe("usage", () => {
  test("help is quick to give and shows commands that can be run", async () => {
    const { code, out } = await pspnet(["train", "--help"]);
    expect(code).toBe(0);
    expect(out).toMatch(/\$ pspnet train camvid\.yaml epochs=8/);
  });

  test("help needs neither libtorch nor sharp nor echarts", async () => {
    const modules = join(folder, "help", "node_modules");
    const root = join(import.meta.dirname, "..");
    for (const part of ["bin", "dist", "package.json"])
      await cp(join(root, part), join(modules, "pspnet", part), { recursive: true });
    await mkdir(join(modules, "@pspnet"));
    for (const name of ["commander", "@pspnet/core"])
      await symlink(join(root, "..", "..", "node_modules", name), join(modules, name), "dir");
    const commands =
      "train,ablate,val,predict,export,data,data prepare,data check,data make,pull,models,bench,check".split(",");
    for (const command of ["", ...commands]) {
      const args = ["node_modules/pspnet/bin/pspnet.js", ...command.split(" ").filter(Boolean), "--help"];
      const { code, out, err } = await runIn(join(folder, "help"), args);
      expect({ code, err }, command).toEqual({ code: 0, err: "" });
      expect(out).toContain(`Usage: pspnet ${command}`);
    }
  });

  test.each([
    [["trian"], /Did you mean train\?/],
    [["predict", "w", "p", "--flipp"], /Did you mean --flip\?/],
    [["val", "w"], /required option '--data/],
    [["predict", "w", "p", "--scales", "a,b"], /expected positive numbers/],
    [["data", "make", "cats", "x"], /Allowed choices are scenes/],
    [["data", "make", "scenes", "x", "--size", "big"], /--size <n or HxW>.*expected a number or HEIGHTxWIDTH, above 0/],
    [["predict", "w", "p", "--threads", "-1"], /--threads <n>.*expected a whole number/],
    [["train"], /expected a folder of photographs and masks, a YAML file, or keys with data\.root=<folder> among them/],
    [["train", "name=x"], /train: data\.root: expected the folder of a dataset, found nothing/],
    [["train", "key=none.yaml", "name=x"], /command line: unknown key "key"/],
  ])("%j is answered with code 2", async (args, message) => {
    const { code, err } = await pspnet(args, { cwd: folder });
    expect(err).toMatch(message);
    expect(code).toBe(2);
  });

  test("help says what is required, and defaults as they are given", async () => {
    const help = async (command: string) => (await pspnet([command, "--help"])).out;
    expect(await help("val")).toMatch(
      /Usage: pspnet val <weights> --data <folder> \[options\][\s\S]*dataset \(required\)/,
    );
    expect(await help("val")).toMatch(/--scales[\s\S]*\(default:\s+1,\s+or\s+the\s+protocol's\)/);
    expect(await help("export")).toMatch(/--output[\s\S]*\(default:\s+logits\)/);
  });

  test("every key of the configuration is listed", async () => {
    const { code, out } = await pspnet(["train", "--keys"]);
    expect(code).toBe(0);
    expect(out).toMatch(/headLrFactor +10 +learning rate/);
  });
});

describe("a reader that has gone ends nothing, quietly", () => {
  test.each([
    [["--help"], 0],
    [["models"], 0],
    [["models", "--json"], 0],
    [["models", "--size", "big"], 2],
  ])("%j with standard output closed", async (args, expected) => {
    const { code, err } = await pspnet(args, { closed: "stdout" });
    expect(err).not.toMatch(/EPIPE|^ +at /m);
    expect(code).toBe(expected);
  });

  test("predict with either closed", async () => {
    const args = ["predict", weights, join(scenes, "val", "images"), "--json", "--out", join(folder, "closed")];
    const blind = await pspnet(args, { closed: "stdout" });
    expect(blind.err).not.toMatch(/EPIPE|^ +at /m);
    expect(blind.code).toBe(0);
    expect(existsSync(join(folder, "closed", "00002.json"))).toBe(true);
    const { out, code } = await pspnet(args, { closed: "stderr" });
    expect(JSON.parse(out)).toHaveLength(3);
    expect(code).toBe(0);
    expect((await pspnet(["trian"], { closed: "stderr" })).code).toBe(2);
  });
});

describe("bad input says what, where and how to mend it", () => {
  test("a run that cannot be resumed: told at once, nothing lost", async () => {
    expect((await trainOn(scenes, "name=once")).code).toBe(0);
    const { code, err } = await trainOn(scenes, "name=once", "lr=0.1", "resume=true");
    expect(err).toMatch(/started with another configuration; to go on exactly, set\n {2}lr: 0\.01 \(now 0\.1\)/);
    expect(code).toBe(2);
    expect((await trainOn(scenes, "name=once", "resume=true")).code).toBe(0);
  });

  test("keys alone are a run too, and go on with it", async () => {
    const model = "model={ layers: 18, width: 4, headChannels: 8, auxChannels: 8 }";
    const run = ["name=bare", model, "crop=33", "batch=4", "epochs=1", "workers=1"];
    const args = ["train", "data.root=scenes", ...run];
    expect((await pspnet(args, { cwd: folder })).err).toMatch(/epoch 1: mIoU/);
    expect(existsSync(join(folder, "runs", "bare", "report.html"))).toBe(true);
    expect((await pspnet([...args, "resume=true"], { cwd: folder })).code).toBe(0);
  });

  test("unknown key of the configuration", async () => {
    const { code, err } = await trainOn(scenes, "epoch=3");
    expect(err).toMatch(/unknown key "epoch"; did you mean "epochs"\?/);
    expect(code).toBe(2);
  });

  test("truncated photograph", async () => {
    const root = await brokenScenes("truncated", async (place) => {
      const file = join(place, "train", "images", "00001.png");
      const bytes = await readFile(file);
      await writeFile(file, bytes.subarray(0, bytes.length / 2));
    });
    const { code, err } = await trainOn(root);
    expect(err).toMatch(/00001\.png: expected a photograph/);
    expect(code).toBe(1);
  });

  test("mask of another size", async () => {
    const root = await brokenScenes("size", async (place) => {
      const mask = encodeMask({ width: 5, height: 4, data: new Uint8Array(20) }, [[0, 0, 0]]);
      await writeFile(join(place, "train", "masks", "00002.png"), mask);
    });
    const { code, err } = await trainOn(root);
    expect(err).toMatch(/00002\.png.*49x57.*4x5/);
    expect(code).toBe(1);
    const check = await pspnet(["data", "check", root, "--out", join(folder, "checked")]);
    expect(check.out).toMatch(/problems?:\n.*00002\.png.*49x57.*4x5/);
    expect(check.code).toBe(1);
  });

  test("label id that is no class", async () => {
    const root = await brokenScenes("label", async (place) => {
      const data = new Uint8Array(57 * 49).fill(200, 0, 10);
      await writeFile(
        join(place, "train", "masks", "00003.png"),
        encodeMask({ width: 57, height: 49, data }, [[0, 0, 0]]),
      );
    });
    const { code, err } = await trainOn(root);
    expect(err).toMatch(/00003\.png: expected ids 0 to 15.*found id 200 in 10 pixels/);
    expect(code).toBe(1);
  });

  test("missing file in a list, and an empty dataset", async () => {
    const root = await brokenScenes("lists", async (place) => {
      const line = "train/images/00000.png train/masks/00000.png\n";
      await writeFile(join(place, "train.txt"), `${line}train/images/00009.png train/masks/00000.png\n`);
      await writeFile(join(place, "val.txt"), line);
      await writeFile(join(place, "empty.txt"), "\n");
    });
    const missing = await trainOn(root, "data.train=train.txt", "data.val=val.txt");
    expect(missing.err).toMatch(/train\.txt:2: .*00009\.png/);
    expect(missing.code).toBe(1);
    const empty = await trainOn(root, "data.train=empty.txt", "data.val=val.txt");
    expect(empty.err).toMatch(/empty/);
    expect(empty.code).toBe(1);
  });

  test("weights of other classes", async () => {
    const other = join(folder, "other.safetensors");
    await writeFile(other, smallWeights(3));
    const scored = await pspnet(["val", other, "--data", scenes]);
    expect(scored.err).toMatch(/its classes are not those of the dataset: 16 classes there, 3 here/);
    expect(scored.code).toBe(1);
    const trained = await trainOn(scenes, `init=${other}`);
    expect(trained.err).toMatch(
      /other\.safetensors: .*another network: .* for 3 classes\n {2}3 classes in the file, 16 here.*\nit fits with head=new/,
    );
    expect(trained.code).toBe(1);
  });

  test("a weights file whose header lies, and one that is none", async () => {
    const bytes = await readFile(weights);
    const lying = join(folder, "lying.safetensors");
    await writeFile(
      lying,
      bytes
        .toString("latin1")
        .replace(/"data_offsets":\[0,(\d)/, (_, digit) => `"data_offsets":[0,${(Number(digit) % 9) + 1}`),
      "latin1",
    );
    const { code, err } = await pspnet(["predict", lying, join(scenes, "val", "images")]);
    expect(err).toMatch(/lying\.safetensors: safetensors: .*data_offsets give/);
    expect(code).toBe(1);
    const none = await pspnet(["predict", join(scenes, "classes.json"), join(scenes, "val", "images")]);
    expect(none.err).toMatch(/^pspnet: .*classes\.json: safetensors: /);
    expect(none.code).toBe(1);
  });

  test("no libtorch", async () => {
    const bare = join(folder, "bare");
    const source = join(import.meta.dirname, "..", "..", "torch");
    for (const part of ["dist", "package.json"])
      await cp(join(source, part), join(bare, "torch", part), { recursive: true });
    await writeFile(
      join(bare, "use.mjs"),
      `import { version } from ${JSON.stringify(join(bare, "torch", "dist", "index.js"))};\nimport "@pspnet/core";\nversion();\n`,
    );
    for (const name of ["checkpoints", "core"])
      await cp(join(source, "..", name), join(bare, "node_modules", "@pspnet", name), { recursive: true });
    const installed = join(import.meta.dirname, "..", "..", "..", "node_modules");
    await cp(join(installed, "fflate"), join(bare, "node_modules", "fflate"), { recursive: true });
    await expect(import(join(bare, "use.mjs"))).rejects.toThrow(/expected the native addon .*npm run setup/);
  });
});

describe("predict", () => {
  test("writes labels, colours, overlay and areas of every image, and goes on after a broken one", async () => {
    const photos = join(folder, "photos");
    await cp(join(scenes, "val", "images"), photos, { recursive: true });
    await writeFile(join(photos, "00001.png"), "not a picture");
    const out = join(folder, "out");
    const { code, out: text, err } = await pspnet(["predict", weights, photos, "--out", out, "--json"]);
    expect(code).toBe(1);
    expect(err).toMatch(/00001\.png: expected a photograph/);
    const outcomes = JSON.parse(text);
    expect(outcomes).toHaveLength(3);
    expect(outcomes[1].error).toMatch(/00001/);
    for (const kind of ["labels.png", "colour.png", "overlay.png", "json"])
      expect(existsSync(join(out, `00002.${kind}`)), kind).toBe(true);
    expect(await readImage(join(out, "00002.overlay.png"))).toMatchObject({ width: 57, height: 49 });
    const shares = outcomes[0].areas.map(({ share }: { share: number }) => share);
    expect(shares.reduce((sum: number, share: number) => sum + share, 0)).toBeCloseTo(1, 9);
  });

  test("results may lie among the photographs: a second run segments what the first did", async () => {
    const photos = join(folder, "among");
    await cp(join(scenes, "val", "images"), photos, { recursive: true });
    const run = () => pspnet(["predict", weights, photos, "--out", photos, "--json", "--precision", "fp32"]);
    const first = await run();
    expect(JSON.parse(first.out)).toHaveLength(3);
    const again = await run();
    expect(again.out).toBe(first.out);
    expect(again.err).toContain("left out 9 pictures that predict wrote");
  });

  test("pictures and sizes of a photograph are upright, whatever its EXIF says", async () => {
    const [photos, out] = [join(folder, "turned"), join(folder, "turned-out")];
    await mkdir(photos);
    const { image } = makeScene({ width: 61, height: 43, seed: 1, index: 0 });
    for (const orientation of ORIENTATIONS) {
      const file = join(photos, `${orientation}.jpg`);
      await writeFile(file, await photographed(image, orientation));
      await writeFile(join(photos, `${orientation}-upright.png`), await encodePng(await upright(file, orientation)));
    }
    const { code } = await pspnet(["predict", weights, photos, "--out", out, "--precision", "fp32"]);
    expect(code).toBe(0);
    for (const orientation of ORIENTATIONS) {
      const of = (name: string) => join(out, `${orientation}${name}`);
      const size = orientation < 5 ? { width: 61, height: 43 } : { width: 43, height: 61 };
      expect(JSON.parse(await readFile(of(".json"), "utf8"))).toMatchObject(size);
      expect(await readMask(of(".labels.png"))).toEqual(await readMask(of("-upright.labels.png")));
      for (const picture of ["colour", "overlay"])
        expect(await readImage(of(`.${picture}.png`))).toEqual(await readImage(of(`-upright.${picture}.png`)));
    }
  });

  test("any image size, with scales, windows and flip; --logits writes what the labels come from", async () => {
    const photo = join(folder, "odd.png");
    await writeFile(
      photo,
      await encodePng({ width: 41, height: 97, data: Uint8Array.from({ length: 41 * 97 * 3 }, (_, i) => i % 251) }),
    );
    const logits = join(folder, "logits.npy");
    const plain = await pspnet([
      "predict",
      weights,
      photo,
      "--out",
      join(folder, "plain"),
      "--logits",
      logits,
      "--precision",
      "fp32",
    ]);
    expect(plain.code).toBe(0);
    const { shape, values } = decodeNpy(await readFile(logits));
    expect(shape).toEqual([16, 97, 41]);
    const best = Array.from({ length: 16 }, (_, id) => values[id * 97 * 41]).reduce(
      (top, value, id, all) => (value > all[top] ? id : top),
      0,
    );
    const { data } = await readMask(join(folder, "plain", "odd.labels.png"));
    expect(data[0]).toBe(best);
    const many = await pspnet([
      "predict",
      weights,
      photo,
      "--out",
      join(folder, "many"),
      "--scales",
      "0.5,1,1.5",
      "--crop",
      "57",
      "--flip",
    ]);
    expect(many.code).toBe(0);
  });
});

test("scenes are made of a height by a width", async () => {
  const size = ["--size", "48x64", "--train", "1", "--val", "1"];
  const { out } = await pspnet(["data", "make", "scenes", "made", ...size], { cwd: folder });
  expect(out).toBe("1 training and 1 validation scene of 48x64 in made\n");
  const image = await readImage(join(folder, "made", "train", "images", "00000.png"));
  expect(image).toMatchObject({ height: 48, width: 64 });
});

test("val prints a table, or one JSON document and nothing else on standard output", async () => {
  const table = await pspnet(["val", weights, "--data", scenes]);
  expect(table.out).toMatch(/class +IoU %[\s\S]*mIoU [\d.]+ %/);
  const caffe = await pspnet(["val", weights, "--data", scenes, "--protocol", "caffe", "--crop", "57", "--no-flip"]);
  expect(caffe.out).toMatch(/\ncaffe: one scale, windows of 57, own size\nmIoU [\d.]+ %.* score [\d.]+ %/);
  const scored = join(folder, "scored.safetensors");
  await cp(weights, scored);
  const args = ["val", scored, "--data", scenes, "--protocol", "mmseg"];
  expect(await pspnet([...args, "--store"])).toMatchObject({ code: 0 });
  const [before, after] = await Promise.all(
    [weights, scored].map(async (file) => readSafetensors(await readFile(file))),
  );
  expect(after.tensors.get("cls.4.weight")?.bytes).toEqual(before.tensors.get("cls.4.weight")?.bytes);
  const { score, command, ...described } = parseDescription(after.metadata);
  const protocol = "mmseg: one scale, whole images, own size";
  expect(score).toMatchObject({ meanIoU: expect.any(Number), dataset: `${scenes} (val)`, protocol });
  expect(command).toBe(["pspnet", ...args].join(" "));
  expect(described).toEqual(parseDescription(before.metadata));
  const published = await pspnet(["val", "ade20k-pspnet50", "--data", scenes, "--store", "--offline"]);
  expect(published).toMatchObject({ code: 2, err: expect.stringMatching(/--store: expected a weights file/) });
  const threads = await pspnet(["val", weights, "--data", scenes, "--runtime", "torch", "--threads", "1000000"]);
  expect(threads).toMatchObject({ code: 2, err: expect.stringMatching(/threads=1000000: /) });
  const { out, code } = await pspnet(["val", weights, "--data", scenes, "--json", "--out", join(folder, "val")]);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ images: 3, split: "val" });
  expect(existsSync(join(folder, "val", "confusion.png"))).toBe(true);
  const counts = JSON.parse(await readFile(join(folder, "val", "confusion.json"), "utf8"));
  expect(counts).toMatchObject({ weights, data: scenes, split: "val" });
  const page = await readFile(join(folder, "val", "index.html"), "utf8");
  for (const name of ["00000.jpg", "00000.truth.png", "00001.prediction.png", "00002.errors.png"])
    expect(existsSync(join(folder, "val", "pictures", name))).toBe(true);
  expect(page).toContain("pictures/00002");
  const errors = JSON.parse(await readFile(join(folder, "val", "errors.json"), "utf8"));
  expect(errors).toMatchObject({ protocol: "one scale, whole images, own size", images: [{}, {}, {}] });
});
