import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  fromFloat32,
  type NetworkFields,
  type PSPNet,
  type PSPNetFields,
  partOf,
  pspnetConfig,
  randomWeights,
  readSafetensors,
  torchPieces,
  writeSafetensors,
} from "@pspnet/core";
import { backend, type Tensor } from "@pspnet/torch";
import { loadTrainConfig, validateTrainConfig } from "pspnet";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createNetwork } from "../src/train/network.js";

const CLASSES = 5;
const SMALL = {
  backbone: { layers: 50, width: 4 },
  head: { channels: 8 },
  auxiliary: { channels: 8 },
} as const satisfies NetworkFields;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pspnet-init-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A weights file that describes itself. */
async function described(fields: Partial<PSPNetFields> = {}): Promise<string> {
  const path = join(folder, "described.safetensors");
  await writeFile(path, randomWeights(pspnetConfig({ classes: CLASSES, ...SMALL, ...fields }), { seed: 7 }));
  return path;
}

/** One that does not, with other names; null leaves a tensor out. */
async function plain(rename: (name: string) => string | null): Promise<string> {
  const { tensors } = readSafetensors(randomWeights(pspnetConfig({ classes: CLASSES, ...SMALL }), { seed: 7 }));
  const renamed = [...tensors].flatMap(([name, tensor]) => {
    const found = rename(name);
    return found === null ? [] : [[found, tensor] as const];
  });
  const path = join(folder, "plain.safetensors");
  await writeFile(path, writeSafetensors(new Map(renamed), {}));
  return path;
}

/** The network of a run that starts from a file. */
function begin(
  init: string | null,
  model: NetworkFields = {},
  head: "keep" | "new" = "keep",
  say?: (line: string) => void,
): Promise<PSPNet> {
  const config = validateTrainConfig({ data: { root: "." }, model: { ...SMALL, ...model }, init, head }, "test");
  return createNetwork(config, { classes: CLASSES, backend: backend(), say });
}

/** The error of a run that cannot start from a file. */
async function refused(init: string, model: NetworkFields = {}): Promise<Error> {
  return begin(init, model).then(
    () => expect.fail("expected a refusal"),
    (error: Error) => error,
  );
}

function values(net: PSPNet, name: string): unknown {
  return net.stateDict().get(name)!.as<Tensor>().toArray();
}

describe("a file that describes itself", () => {
  test.each<[NetworkFields, string, string]>([
    [{ backbone: { ...SMALL.backbone, strideIn: "1x1" } }, "1x1 in the file, 3x3 here", "backbone.strideIn=1x1"],
    [
      { pyramid: { concatOrder: "descending" } },
      "descending in the file, ascending here",
      "pyramid.concatOrder=descending",
    ],
    [{ pyramid: { alignCorners: false } }, "false in the file, true here", "pyramid.alignCorners=false"],
    [{ upsampling: { alignCorners: false } }, "false in the file, true here", "upsampling.alignCorners=false"],
    [{ input: { channelOrder: "bgr" } }, "bgr in the file, rgb here", "input.channelOrder=bgr"],
    [{ input: { mean: [0.5, 0.5, 0.5] } }, "[0.5,0.5,0.5] in the file, [0.485,0.", "input.mean=[0.5,0.5,0.5]"],
    [{ norm: { eps: 0.001 } }, "0.001 in the file, 0.00001 here", "norm.eps=0.001"],
    [{ pyramid: { kind: "none" } }, "none in the file, pooling here", "pyramid.kind=none"],
    [{ backbone: { layers: 18, width: 4 } }, "18 in the file, 50 here", "backbone.layers=18"],
  ])("of another network is refused: %j", async (fields, difference, setting) => {
    const { message } = await refused(await described(fields));
    const [head, differences, mend, ...more] = message.split("\n");
    const depth = setting === "backbone.layers=18" ? 18 : 50;
    expect(head).toMatch(
      new RegExp(`another network: ResNet-${depth}, width 4, deep stem with heads for ${CLASSES} classes$`),
    );
    expect(differences).toContain(`  ${setting.split("=")[0]}: ${difference}`);
    const alone = /^(pyramid|upsampling)/.test(setting) ? "; head=new takes its backbone alone" : "";
    expect(mend).toBe(`it fits with model.${setting}${alone}`);
    expect(more).toEqual([]);
  });

  test("is taken when the run says the same, and when it differs in what only training uses", async () => {
    const other = { pyramid: { concatOrder: "descending" }, input: { channelOrder: "bgr" } } as const;
    await begin(await described(other), other);
    await begin(await described({ norm: { momentum: 0.05 }, head: { channels: 8, dropout: 0.3 } }));
  });

  test("is taken at another output stride, which is told", async () => {
    const said: string[] = [];
    const say = (line: string) => said.push(line);
    const backbone = { ...SMALL.backbone, outputStride: 16 } as const;
    const strided = await described({ backbone });
    const net = await begin(strided, {}, "keep", say);
    expect(said.join()).toMatch(/nothing begins afresh; trained at output stride 16, here 8$/);
    expect(values(net, "cls.0.weight")).toEqual(
      values(await begin(strided, { backbone }, "keep", say), "cls.0.weight"),
    );
    expect(said[1]).toMatch(/nothing begins afresh$/);
  });

  test("need only have the run's backbone and input when the head is new", async () => {
    const net = await begin(await described({ pyramid: { concatOrder: "descending" } }), {}, "new");
    expect(values(net, "cls.0.weight")).toEqual(values(await begin(null), "cls.0.weight"));
    const bgr = await described({ input: { channelOrder: "bgr" } });
    await expect(begin(bgr, {}, "new")).rejects.toThrow(/input\.channelOrder: bgr in the file/);
  });

  test("need have no auxiliary head but that of the run", async () => {
    await expect(begin(await described({ auxiliary: { kind: "none" } }))).rejects.toThrow(
      /auxiliary\.kind: none in the file, conv3x3 here\nit fits with model\.auxiliary\.kind=none;/,
    );
    const net = await begin(await described(), { auxiliary: { kind: "none" } });
    expect(net.aux).toBeNull();
  });

  test("of other classes says how to start afresh", async () => {
    const more = await described({ classes: 7 });
    await expect(begin(more)).rejects.toThrow(
      /with heads for 7 classes\n {2}7 classes in the file, 5 here\nit fits with head=new$/,
    );
    await begin(more, {}, "new");
  });
});

describe("a file with numbers that are not finite", () => {
  test.each(["layer0.0.weight", "cls.4.weight"])("is refused by its %s", async (name) => {
    const file = await described();
    const { metadata, tensors } = readSafetensors(await readFile(file));
    const tensor = tensors.get(name)!;
    const bytes = fromFloat32(tensor.float32().fill(Number.NaN, 0, 2), "float32");
    for (const header of [metadata, {}]) {
      await writeFile(file, writeSafetensors(new Map([...tensors, [name, { ...tensor, bytes }]]), header));
      await expect(begin(file)).rejects.toThrow(`init=${file}: ${name}: expected finite numbers, found 2 of `);
    }
  });
});

describe("a file that does not", () => {
  test("is not asked what it cannot say", async () => {
    const backbone = await plain((name) => (partOf(name) === "backbone" ? name : null));
    const net = await begin(backbone, { backbone: { ...SMALL.backbone, strideIn: "1x1" } });
    expect(values(net, "layer0.0.weight")).toEqual(values(await begin(await described()), "layer0.0.weight"));
  });

  test.each(["layer0.0.weight", "cls.4.weight"])("gives its %s with the prefix of DataParallel too", async (name) => {
    const net = await begin(await plain((plain) => `module.${plain}`));
    expect(values(net, name)).toEqual(values(await begin(await described()), name));
  });

  test.each<[string, (name: string) => string | null, string]>([
    ["a backbone", (name) => (partOf(name) === "backbone" ? name : null), ""],
    ["a PSPNet", (name) => name, ` with heads for ${CLASSES} classes`],
  ])("of another network is told from its names and shapes: %s", async (_, rename, heads) => {
    const { message } = await refused(await plain(rename), {
      backbone: { layers: 18, stem: "plain", strideIn: "1x1", width: 8 },
    });
    expect(message.split("\n").slice(0, 3)).toEqual([
      expect.stringMatching(
        /^init=.*plain\.safetensors: its weights are those of another network: ResNet-50, width 4, deep/,
      ),
      "  backbone.layers: 50 in the file, 18 here; backbone.stem: deep in the file, plain here; backbone.width: 4 in the file, 8 here",
      "it fits with model.backbone.layers=50 model.backbone.stem=deep model.backbone.width=4",
    ]);
    expect(message.split("\n")[0]).toMatch(new RegExp(`deep stem${heads}$`));
    await begin(await plain(rename), { backbone: { layers: 50, stem: "deep", width: 4 } });
  });

  test("of no network that is known, or half of one, says so in five lines", async () => {
    const stemless = (name: string) => (name.startsWith("layer0") ? null : `h.${name}`);
    for (const rename of [stemless, (name: string) => (name.startsWith("layer4") ? null : name)]) {
      const { message } = await refused(await plain(rename), { backbone: { width: 8 } });
      expect(message).toMatch(
        /^init=.*plain\.safetensors: expected weights of a ResNet-50, width 8, deep stem[\s\S]*\nand \d+ more like these\ntake a/,
      );
      expect(message.split("\n")).toHaveLength(5);
    }
  });
});

describe("what was loaded and what begins afresh is said", () => {
  const said = async (file: string, head: "keep" | "new" = "keep", model: NetworkFields = {}) => {
    const lines: string[] = [];
    await begin(file, model, head, (line) => lines.push(line));
    return lines;
  };

  test("of a backbone, a whole network, and one whose head is left", async () => {
    const backbone = await plain((name) => (partOf(name) === "backbone" ? name : null));
    const of = "275 tensors of the backbone (ResNet-50, width 4, deep stem)";
    expect(await said(backbone)).toEqual([
      `loaded from plain.safetensors: ${of}; pyramid, head, auxiliary begin afresh`,
    ]);
    const whole = await described();
    const heads = "20 of the pyramid, 7 of the head, 7 of the auxiliary";
    expect(await said(whole)).toEqual([`loaded from described.safetensors: ${of}, ${heads}; nothing begins afresh`]);
    expect(await said(whole, "new", { pyramid: { kind: "none" }, auxiliary: { kind: "none" } })).toEqual([
      `loaded from described.safetensors: ${of}; head begins afresh`,
    ]);
  });
});

test("published weights that were pulled are meant by their name, where no file has it", async () => {
  vi.stubEnv("PSPNET_HOME", folder);
  const backbone = await plain((name) => (partOf(name) === "backbone" ? name : null));
  await mkdir(join(folder, "resnet50"));
  await rename(backbone, join(folder, "resnet50", "resnet50.safetensors"));
  const net = await begin("resnet50");
  expect(values(net, "layer0.0.weight")).toEqual(values(await begin(await described()), "layer0.0.weight"));
  const of = async (init: string) => (await loadTrainConfig(null, ["data.root=.", `init=${init}`], folder)).init;
  await writeFile(join(folder, "resnet18"), "");
  const names = ["resnet50-v2", "resnet50", "resnet18", "best.safetensors"];
  expect(await Promise.all(names.map(of))).toEqual([
    "resnet50-v2",
    // A folder of that name is no weights.
    "resnet50",
    join(folder, "resnet18"),
    join(folder, "best.safetensors"),
  ]);
  vi.unstubAllEnvs();
});

test("a file of torch.save is taken as it is", async () => {
  const ours = await described();
  const { tensors } = readSafetensors(new Uint8Array(await readFile(ours)));
  const path = join(folder, "network.pth");
  await writeFile(path, Buffer.concat([...torchPieces(tensors)]));
  expect(values(await begin(path), "layer0.0.weight")).toEqual(values(await begin(ours), "layer0.0.weight"));
});

test("a file in no format of weights is named", async () => {
  const path = join(folder, "text.safetensors");
  await writeFile(path, "no weights at all");
  await expect(begin(path)).rejects.toThrow(
    /^init=.*text\.safetensors: expected a readable checkpoint \(.*expected a file of weights/,
  );
});
