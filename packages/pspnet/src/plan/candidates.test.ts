import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { pullHome } from "../../test/support/pullHome.js";
import { smallBackbone, smallPspnet } from "../../test/support/smallBackbone.js";
import { makeFolder } from "../files/makeFolder.js";
import { agrees, networksFromNothing, networksOf, pulledWeights } from "./candidates.js";

const home = pullHome();

async function put(name: string, bytes: Uint8Array): Promise<string> {
  const file = join(home.folder, name, `${name}.safetensors`);
  await makeFolder(join(home.folder, name));
  await writeFile(file, bytes);
  return file;
}

const read = async (init: string, { classes = 5, given = {} } = {}) => {
  const { candidates, untold } = await networksOf({ init, why: "" }, { classes, given });
  return { candidates, candidate: candidates[0], untold };
};

describe("starting weights", () => {
  it("at hand are those that were pulled, ResNet-50 of ImageNet before all", async () => {
    expect(pulledWeights()).toEqual([]);
    for (const name of ["resnet18", "resnet50", "resnet101"]) await put(name, new Uint8Array());
    expect(pulledWeights().map(({ name }) => name)).toEqual(["resnet50", "resnet101", "resnet18"]);
  });

  it("say their network; what a ResNet's tensors do not tell is named, unless it is given or published", async () => {
    const file = await put("mine", smallBackbone());
    const { candidate, untold } = await read(file);
    expect(candidate).toMatchObject({ init: file, newHead: false });
    expect(candidate.model.backbone).toMatchObject({ layers: 50, width: 4, stem: "plain" });
    expect(candidate.model.head).toBeUndefined();
    expect(untold).toEqual(["model.backbone.strideIn", "model.backbone.ceilPool"]);
    const given = { backbone: { strideIn: "1x1" } };
    expect((await read(file, { given })).untold).toEqual(["model.backbone.ceilPool"]);
    await put("resnet50", smallBackbone());
    expect((await read("resnet50")).untold).toEqual([]);
  });

  it("of a backbone alone are those of a network that strides further too, unless the stride is given", async () => {
    const file = await put("mine", smallBackbone());
    const strides = async (given: object) =>
      (await read(file, { given: { backbone: given } })).candidates.map(({ model }) => model.backbone);
    const [dense, strided, ...more] = await strides({});
    expect(more).toEqual([]);
    expect(dense).toMatchObject({ outputStride: 8, dilations: [1, 1, 2, 4], layers: 50 });
    expect(strided).toMatchObject({ outputStride: 16, layers: 50 });
    expect(strided).not.toHaveProperty("dilations");
    expect(await strides({ outputStride: 32 })).toMatchObject([{ outputStride: 32 }]);
    expect(await strides({ dilations: [1, 1, 1, 1] })).toMatchObject([{ outputStride: 8 }]);
    expect((await read(await put("whole", smallPspnet()))).candidates).toHaveLength(1);
  });

  it("of a whole PSPNet give its heads for as many classes, else new ones", async () => {
    const file = await put("mine", smallPspnet({ backbone: { layers: 50, width: 4, stem: "plain", strideIn: "1x1" } }));
    const same = await read(file);
    expect(same.candidate.newHead).toBe(false);
    expect(same.candidate.model.head).toMatchObject({ channels: 8 });
    expect(same.untold).toEqual([]);
    const other = await read(file, { classes: 3 });
    expect(other.candidate.newHead).toBe(true);
    expect(other.candidate.model.head).toBeUndefined();
    expect(other.candidate.model.backbone).toMatchObject({ strideIn: "1x1" });
  });

  it("agree with what is given of the network, or not", async () => {
    const { candidate } = await read(await put("mine", smallBackbone()));
    expect(agrees(candidate, {})).toBe(true);
    expect(agrees(candidate, { backbone: { layers: 50 }, pyramid: { pool: "max" } })).toBe(true);
    expect(agrees(candidate, { backbone: { layers: 101 } })).toBe(false);
  });
});

it("from nothing the larger networks come first", () => {
  const widths = networksFromNothing().map(({ model }) => (model.backbone as { width: number }).width);
  expect(widths).toEqual([...widths].sort((a, b) => b - a));
});
