import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { encode } from "fast-png";
import { describe, expect, it, test } from "vitest";
import { loadTrainConfig } from "../src/config/load.js";
import { encodePng } from "../src/files/png.js";
import { image, put, root } from "./support/dataFolder.js";
import { prepared } from "./support/prepared.js";

const examples = fileURLToPath(new URL("../../../examples/", import.meta.url));
const files = readdirSync(examples, { recursive: true, encoding: "utf8" }).filter(
  (file) => file.endsWith(".yaml") && file !== "kubernetes.yaml",
);

test.each(files)("examples/%s is a configuration", async (file) => {
  const config = await loadTrainConfig(join(examples, file), ["data.root=somewhere"], ".");
  const [, , sets, layers] = /^(semseg|paper).(\w+)-(\d+)\.yaml$/.exec(file) ?? [];
  if (sets === undefined) return;
  expect(config.data.classes).toBe(sets);
  expect(config.model.backbone).toMatchObject({ layers: Number(layers) });
  expect(config.crop).toBe(sets === "cityscapes" ? 713 : 473);
  expect(config).toMatchObject({ batch: 16, lr: 0.01, power: 0.9, momentum: 0.9, weightDecay: 1e-4, auxWeight: 0.4 });
});

test("there is one for each set and depth, of the paper and of the official release", () => {
  const names = ["ade20k", "voc2012", "cityscapes"].flatMap((set) =>
    [50, 101].map((layers) => `${set}-${layers}.yaml`),
  );
  for (const name of names) for (const of of ["paper", "semseg"]) expect(files).toContain(join(of, name));
});

describe("what they say of the data", () => {
  const photo = async (path: string) => put(path, await encodePng(image(4, 1)));
  const mask = (path: string, ids: readonly number[]) =>
    put(path, encode({ width: 4, height: 1, data: Uint8Array.from(ids), channels: 1, depth: 8 }));

  it.each<[string, () => Promise<unknown>]>([
    [
      "ade20k",
      async () => {
        await photo("images/validation/ADE_val_00000001.jpg");
        await mask("annotations/validation/ADE_val_00000001.png", [0, 1, 2, 3]);
      },
    ],
    [
      "voc2012",
      async () => {
        await photo("JPEGImages/a.jpg");
        await mask("SegmentationClass/a.png", [0, 1, 2, 255]);
      },
    ],
    [
      "cityscapes",
      async () => {
        await photo("leftImg8bit/train/aachen/aachen_0_0_leftImg8bit.png");
        await mask("gtFine/train/aachen/aachen_0_0_gtFine_labelIds.png", [7, 8, 0, 1]);
      },
    ],
  ])("is what `data prepare %s` says", async (name, tree) => {
    await tree();
    const { data } = await loadTrainConfig((await prepared(name)).config, [], ".");
    for (const of of ["semseg", "paper"]) {
      const file = join(examples, of, `${name}-50.yaml`);
      expect((await loadTrainConfig(file, [`data.root=${root}`], ".")).data).toEqual(data);
      expect(readFileSync(file, "utf8")).toContain(`npx pspnet data prepare ${name} `);
    }
  });
});
