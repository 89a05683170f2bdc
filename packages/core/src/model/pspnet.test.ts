import { describe, expect, it } from "vitest";
import { parameterCount } from "../nn/module.js";
import type { PSPNetConfig } from "./config.js";
import { pspnetConfig } from "./config.js";
import { alignedSize, dilatedFcn50, PSPNet, pspnet50, pspnet101, pspnet152 } from "./pspnet.js";

const count = (fields: Partial<PSPNetConfig> & { classes: number }) => parameterCount(new PSPNet(pspnetConfig(fields)));
const mmseg = { stemChannels: [32, 32, 64] } as const;

describe("parameter counts", () => {
  // The published networks' totals; those of ADE50, VOC101 and Cityscapes101 are in mitmul/chainer-pspnet too.
  it.each([
    [50, 150, 46_782_550, 49_180_908],
    [101, 150, 65_774_678, 68_173_036],
    [152, 150, 81_418_326, 83_816_684],
    [50, 21, 46_716_373, 49_081_578],
    [101, 21, 65_708_501, 68_073_706],
    [50, 19, 46_715_347, 49_080_038],
    [101, 19, 65_707_475, 68_072_166],
  ] as const)("PSPNet%i with %i classes: %i, %i with the auxiliary head", (layers, classes, without, withAux) => {
    expect(count({ layers, classes, aux: false })).toBe(without);
    expect(count({ layers, classes })).toBe(withAux);
  });

  it.each([
    [50, 19, 46_610_803, 48_975_494],
    [50, 150, 46_678_006, 49_076_364],
    [101, 19, 65_602_931, 67_967_622],
  ] as const)(
    "mmseg's R%i-V1c with %i classes: %i, %i with the auxiliary head",
    (layers, classes, without, withAux) => {
      expect(count({ layers, classes, ...mmseg, aux: false })).toBe(without);
      expect(count({ layers, classes, ...mmseg })).toBe(withAux);
    },
  );

  it("has torchvision's backbones with the plain stem", () => {
    const backbone = (layers: 50 | 101 | 152) =>
      [...new PSPNet(pspnetConfig({ layers, classes: 2, stem: "plain" })).namedParameters()]
        .filter(([name]) => name.startsWith("layer"))
        .reduce((sum, [, { shape }]) => sum + shape.reduce((product, size) => product * size, 1), 0);
    expect([backbone(50), backbone(101), backbone(152)]).toEqual([23_508_032, 42_500_160, 58_143_808]);
  });

  it("does not depend on strides, dilation or the order of concatenation", () => {
    const others = { strideIn: "1x1", ceilPool: true, firstDilation: "halved", outputStride: 16 } as const;
    expect(count({ classes: 150, ...others, concatOrder: "descending" })).toBe(49_180_908);
  });
});

describe("state", () => {
  it.each([
    [pspnet50, 370],
    [pspnet101, 676],
    [pspnet152, 982],
  ])("has the official release's number of entries: %#", (variant, entries) => {
    const names = [...variant(150).stateDict().keys()];
    const counters = names.filter((name) => name.endsWith("running_mean")).length;
    expect(names.length + counters).toBe(entries);
  });

  it("has the official release's names", () => {
    const names = new Set(pspnet50(150).stateDict().keys());
    for (const name of [
      "layer0.0.weight",
      "layer0.7.running_var",
      "layer1.0.downsample.1.bias",
      "layer3.5.bn3.weight",
    ]) {
      expect(names).toContain(name);
    }
    for (const name of ["ppm.features.0.1.weight", "ppm.features.3.2.running_mean", "cls.0.weight", "aux.4.bias"]) {
      expect(names).toContain(name);
    }
    expect(names).not.toContain("layer1.1.downsample.0.weight");
    expect(names).not.toContain("cls.0.bias");
  });

  it("gives the paper's variants their channels", () => {
    const width = (net: PSPNet) => net.stateDict().get("cls.0.weight")!.shape[1];
    expect(width(pspnet50(150))).toBe(4096);
    expect(width(dilatedFcn50(150))).toBe(2048);
    expect(width(pspnet50(150, { bins: [1], pool: "max" }))).toBe(4096);
    expect(width(pspnet50(150, { reduction: false }))).toBe(5 * 2048);
    expect(width(new PSPNet(pspnetConfig({ layers: 18, classes: 5, width: 16 })))).toBe(256);
  });
});

describe("pspnetConfig", () => {
  it("fills in the official release's fields", () => {
    expect(pspnetConfig({ classes: 150 })).toMatchObject({
      layers: 50,
      stem: "deep",
      stemChannels: [64, 64, 128],
      bnEps: 1e-5,
    });
    expect(pspnetConfig({ classes: 150, stem: "plain", bins: undefined })).toMatchObject({
      stemChannels: [64],
      bins: [1, 2, 3, 6],
    });
  });

  it.each<[Record<string, unknown>, string]>([
    [{ classes: 1 }, "classes: expected a whole number from 2 to 255 (label 255 is ignored), found 1"],
    [{ layers: 60 }, "layers: expected one of 18, 34, 50, 101, 152, found 60"],
    [{ stem: "wide" }, 'stem: expected one of deep, plain, found "wide"'],
    [
      { stem: "plain", stemChannels: [64, 64, 128] },
      "stemChannels: expected 1 numbers for stem=plain, found [64,64,128]",
    ],
    [{ bins: [6, 3, 2, 1] }, "bins: expected cells a side in ascending order"],
    [{ bins: [] }, "bins: expected a list of whole numbers above 0, found []"],
    [{ dropout: 1 }, "dropout: expected a number from 0 to below 1, found 1"],
    [{ layer: 50 }, "layer: expected one of layers, classes"],
  ])("refuses %j", (fields, message) => {
    expect(() => pspnetConfig({ classes: 150, ...fields })).toThrow(message);
  });
});

describe("the size at which corners are aligned", () => {
  it.each([
    [8, [160, 129], [161, 129]],
    [8, [1, 360], [1, 361]],
    [16, [161, 168], [161, 177]],
  ] as const)("at output stride %i: %j becomes %j", (outputStride, size, aligned) => {
    expect(alignedSize(size, { alignCorners: true, outputStride })).toEqual(aligned);
  });

  it("is any size when corners are not", () => {
    expect(alignedSize([160, 131], { alignCorners: false, outputStride: 8 })).toEqual([160, 131]);
  });
});
