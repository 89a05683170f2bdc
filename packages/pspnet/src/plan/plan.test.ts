import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cropSize } from "@pspnet/core";
import { describe, expect, it } from "vitest";
import { pullHome } from "../../test/support/pullHome.js";
import { smallBackbone } from "../../test/support/smallBackbone.js";
import { givenKeys } from "../config/load.js";
import { makeFolder } from "../files/makeFolder.js";
import type { DataFacts } from "./dataFacts.js";
import type { MachineFacts } from "./machineFacts.js";
import { plan } from "./plan.js";

const home = pullHome();

const FEW: DataFacts = {
  training: 36,
  validation: 24,
  classes: ["sky", "road", "car"],
  size: { height: 360, width: 480 },
  largest: { height: 360, width: 480 },
  mixed: false,
  shares: [0.5, 0.4, 0.1],
};
const LAPTOP: MachineFacts = { device: "cpu", precision: "fp32", cores: 2, threads: 2, memory: 16 * 2 ** 30 };

/** Plans on a machine that trains so many pixels a second of a ResNet-50, and of a ResNet-18 more. */
async function planned(
  given: readonly string[] = [],
  { data = FEW, machine = LAPTOP, pixels = 100_000, bytesPerPixel = 5000 } = {},
) {
  const measured: string[] = [];
  const { config, choices } = await plan({
    data,
    machine,
    keys: { name: "x", data: { root: "x" } },
    given: givenKeys(given, "/"),
    stream: { write: (text: string) => measured.push(text.trim()) },
    measure: async ({ model }) => {
      const { layers, width = 64 } = model.backbone as { readonly layers?: number; readonly width?: number };
      return { secondsPerStep: 0, secondsPerPixel: (layers === 50 ? 1 : width / 400) / pixels, bytesPerPixel };
    },
  });
  return { config, measured, why: Object.fromEntries(choices.map(({ setting, why }) => [setting, why])) };
}

const putWeights = async (name: string, bytes: Uint8Array) => {
  await makeFolder(join(home.folder, name));
  await writeFile(join(home.folder, name, `${name}.safetensors`), bytes);
};
/** As a pulled ResNet-50 of ImageNet, but for its width. */
const pulled = () => putWeights("resnet50", smallBackbone());

describe("a plan", () => {
  it("from nothing takes the largest network and crop that have steps enough, and one rate for all parts", async () => {
    const short = await planned(["budget=25s"]);
    expect(short.config.model.backbone).toMatchObject({ layers: 18, width: 16, stem: "plain" });
    expect(short.measured).toHaveLength(3);
    const long = await planned(["budget=2h"]);
    expect(long.config.model.backbone).toMatchObject({ layers: 18, width: 64 });
    expect(long.measured).toHaveLength(1);
    expect(long.config).toMatchObject({ init: null, crop: [361, 481], headLrFactor: 1, lr: 0.04, batch: 8 });
    expect(cropSize(long.config.crop).height).toBeGreaterThan(cropSize(short.config.crop).height);
  });

  it("starts from weights that were pulled, at a rate that few steps bear", async () => {
    await pulled();
    const { config, measured, why } = await planned(["budget=3m"]);
    expect(measured).toEqual([
      "measuring a step of ResNet-50, width 4, plain stem",
      "measuring a step of ResNet-50, width 4, plain stem, output stride 16",
    ]);
    expect(config).toMatchObject({ init: "resnet50", head: "keep", lr: 0.002, headLrFactor: 10, cache: "ram" });
    expect(config.model.backbone).toMatchObject({ layers: 50, width: 4, outputStride: 16, dilations: [1, 1, 1, 2] });
    expect(why["model.backbone.outputStride=16"]).toBe("at 8, the paper's, the time has not 500 steps of large crops");
    expect(config.warmup).toBeGreaterThan(5);
    expect(why["init=resnet50"]).toBe("resnet50 was pulled before");
  });

  it("keeps the paper's output stride where there is the time for it, or where it is given", async () => {
    await pulled();
    const long = await planned(["budget=3h"]);
    expect(long.config.model.backbone).toMatchObject({ outputStride: 8, dilations: [1, 1, 2, 4] });
    expect(long.config.crop).toEqual([361, 481]);
    const given = await planned(["budget=3m", "model.backbone.outputStride=8"]);
    expect(given.config.model.backbone).toMatchObject({ outputStride: 8 });
    expect(given.measured).toHaveLength(1);
  });

  it("passes over weights that cannot be read, that do not agree with what is given, or that there is no time for", async () => {
    await putWeights("resnet101", new Uint8Array(10));
    const broken = await planned(["budget=3m"]);
    expect(broken.config.init).toBeNull();
    expect(broken.measured[0]).toMatch(/^passed over: init=resnet101: expected a readable checkpoint/);
    await pulled();
    expect((await planned(["model.backbone.layers=18"])).config.init).toBeNull();
    expect((await planned(["init=null"])).config.init).toBeNull();
    expect((await planned(["budget=5s"])).config.init).toBeNull();
  });

  it("is made around what is given, and says so", async () => {
    const { config, why } = await planned(["batch=4", "crop=97", "epochs=10", "lr=0.5", "validation.every=3"]);
    expect(config).toMatchObject({ batch: 4, crop: 97, epochs: 10, lr: 0.5, validation: { every: 3 }, warmup: 9 });
    for (const setting of ["batch=4", "crop=97", "epochs=10", "lr=0.5", "validation.every=3"])
      expect(why[setting]).toBe("as you say");
  });

  it("tries the network that is given, and no other", async () => {
    const narrow = await planned(["model.backbone.width=8", "budget=1s"]);
    expect(narrow.measured).toEqual(["measuring a step of ResNet-18, width 8, plain stem"]);
    const deep = await planned(["model.backbone.layers=50", "budget=1s"]);
    expect(deep.measured).toEqual(["measuring a step of ResNet-50, width 64, plain stem"]);
    const other = await planned(["model.backbone.kind=mobilenetv2"]);
    expect(other.measured).toHaveLength(1);
    expect(other.config.model.backbone.kind).toBe("mobilenetv2");
  });

  it("splits a batch that memory does not hold, and keeps the statistics of trained batch norm then", async () => {
    await pulled();
    const { config } = await planned(["budget=30m"], { bytesPerPixel: 40_000, pixels: 40_000 });
    expect(config.accumulate).toBeGreaterThan(2);
    expect(config.freezeBn).toBe("backbone");
  });

  it("does without a measurement that fails", async () => {
    const measure = () => Promise.reject(new Error("out of memory\nat x"));
    const { config, choices } = await plan({
      data: FEW,
      machine: LAPTOP,
      keys: { data: { root: "x" } },
      given: {},
      measure,
    });
    expect(choices.map(({ why }) => why).join()).toContain("its speed could not be measured (out of memory)");
    expect(config.epochs).toBeGreaterThan(1);
  });

  it("of large photographs validates window by window, and of mixed ones says so", async () => {
    const size = { height: 3000, width: 4000 };
    const { config, why } = await planned([], { data: { ...FEW, size, largest: size, mixed: true } });
    expect(config.validation.crop).toEqual(config.crop);
    expect(why[`crop=${JSON.stringify(config.crop)}`]).toContain("about 3000x4000");
  });
});
