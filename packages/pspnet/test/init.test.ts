import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
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
  writeSafetensors,
} from "@pspnet/core";
import { backend, type Tensor } from "@pspnet/torch";
import { validateTrainConfig } from "pspnet";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
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
function begin(init: string | null, model: NetworkFields = {}, head: "keep" | "new" = "keep"): Promise<PSPNet> {
  const config = validateTrainConfig({ data: { root: "." }, model: { ...SMALL, ...model }, init, head }, "test");
  return createNetwork(config, { classes: CLASSES, backend: backend() });
}

function values(net: PSPNet, name: string): unknown {
  return net.stateDict().get(name)!.as<Tensor>().toArray();
}

describe("a file that describes itself", () => {
  test.each<[NetworkFields, RegExp]>([
    [
      { backbone: { ...SMALL.backbone, strideIn: "1x1" } },
      /backbone\.strideIn: 1x1 in the file, 3x3 here; set model\.backbone\.strideIn=1x1/,
    ],
    [{ pyramid: { concatOrder: "descending" } }, /pyramid\.concatOrder: descending in the file, ascending here; set/],
    [{ pyramid: { alignCorners: false } }, /pyramid\.alignCorners: false in the file, true here; set/],
    [{ upsampling: { alignCorners: false } }, /upsampling\.alignCorners: false in the file, true here; set/],
    [{ input: { channelOrder: "bgr" } }, /input\.channelOrder: bgr in the file, rgb here; set model\.input\.ch/],
    [
      { input: { mean: [0.5, 0.5, 0.5] } },
      /input\.mean: \[0\.5,0\.5,0\.5\] in the file, \[0\.485,0\.456,0\.406\] here/,
    ],
    [{ norm: { eps: 0.001 } }, /norm\.eps: 0\.001 in the file, 0\.00001 here/],
    [{ pyramid: { kind: "none" } }, /pyramid\.kind: none in the file, pooling here; set model\.pyramid\.kind=none/],
    [
      { backbone: { layers: 18, width: 4 } },
      /backbone\.layers: 18 in the file, 50 here; set model\.backbone\.layers=18/,
    ],
  ])("of another network is refused: %j", async (fields, message) => {
    await expect(begin(await described(fields))).rejects.toThrow(message);
  });

  test("is taken when the run says the same, and when it differs in what only training uses", async () => {
    const other = { pyramid: { concatOrder: "descending" }, input: { channelOrder: "bgr" } } as const;
    await begin(await described(other), other);
    await begin(await described({ norm: { momentum: 0.05 }, head: { channels: 8, dropout: 0.3 } }));
  });

  test("need only have the run's backbone and input when the head is new", async () => {
    const net = await begin(await described({ pyramid: { concatOrder: "descending" } }), {}, "new");
    expect(values(net, "cls.0.weight")).toEqual(values(await begin(null), "cls.0.weight"));
    const bgr = await described({ input: { channelOrder: "bgr" } });
    await expect(begin(bgr, {}, "new")).rejects.toThrow(/input\.channelOrder: bgr in the file/);
  });

  test("need have no auxiliary head but that of the run", async () => {
    await expect(begin(await described({ auxiliary: { kind: "none" } }))).rejects.toThrow(
      /auxiliary\.kind: none in the file, conv3x3 here; set model\.auxiliary\.kind=none/,
    );
    const net = await begin(await described(), { auxiliary: { kind: "none" } });
    expect(net.aux).toBeNull();
  });

  test("of other classes says how to start afresh", async () => {
    const more = await described({ classes: 7 });
    await expect(begin(more)).rejects.toThrow(/7 classes in the file, 5 here; set head=new/);
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

  test("of another network says so in a few lines", async () => {
    const other = begin(await plain((name) => name), { backbone: { layers: 18, width: 8 } });
    const { message } = (await other.catch((error: Error) => error)) as Error;
    expect(message).toMatch(/^init=.*plain\.safetensors: weights do not fit the network:\n/);
    expect(message).toMatch(/\nand \d+ more like these\nthe depth, stem and width of `model\.backbone` must be/);
    expect(message.split("\n")).toHaveLength(8);
  });
});

test("a file that is no safetensors is named", async () => {
  const path = join(folder, "text.safetensors");
  await writeFile(path, "no weights at all");
  await expect(begin(path)).rejects.toThrow(
    /^init=.*text\.safetensors: expected a readable safetensors file \(safeten/,
  );
});
