import { describe, expect, it } from "vitest";
import type { resNet } from "../backbone/resnet.js";
import type { GivenOf } from "../config/kind.js";
import { IMAGENET } from "../image/normalise.js";
import type { Conv2d } from "../nn/layers.js";
import { parameterCount } from "../nn/module.js";
import type { PSPNetFields } from "./config.js";
import { pspnetConfig } from "./config.js";
import { alignedSize } from "./logits.js";
import { dilatedFcn50, PSPNet, pspnet50, pspnet101, pspnet152 } from "./pspnet.js";

const count = (fields: PSPNetFields) => parameterCount(new PSPNet(pspnetConfig(fields)));
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
    const backbone = { kind: "resnet", layers: 50, stem: "deep", stemChannels: [64, 64, 128] };
    expect(pspnetConfig({ classes: 150 })).toMatchObject({ backbone, norm: { eps: 1e-5 }, input: IMAGENET });
    const plain = { backbone: { stem: "plain" }, pyramid: { bins: undefined } } as const;
    expect(pspnetConfig({ classes: 150, ...plain })).toMatchObject({
      backbone: { stemChannels: [64] },
      pyramid: { bins: [1, 2, 3, 6] },
    });
  });

  it("is complete: again it changes nothing", () => {
    const config = pspnetConfig({ classes: 7, backbone: { layers: 18, width: 8 }, auxiliary: { kind: "none" } });
    expect(pspnetConfig(config)).toEqual(config);
  });

  it("puts the flat fields of version 1 in their parts", () => {
    const flat = { layers: 18, width: 8, headChannels: 16, auxChannels: 4, alignCorners: false, dropout: 0 } as const;
    const parts = {
      backbone: { layers: 18, width: 8 },
      pyramid: { alignCorners: false },
      head: { channels: 16, dropout: 0 },
      auxiliary: { channels: 4, dropout: 0 },
      upsampling: { alignCorners: false },
    } as const;
    expect(pspnetConfig({ classes: 5, ...flat })).toEqual(pspnetConfig({ classes: 5, ...parts }));
    expect(pspnetConfig({ classes: 5, layers: 18, backbone: { width: 8 } }).backbone).toMatchObject(parts.backbone);
    const baseline = pspnetConfig({ classes: 5, ppm: false, bins: [1], aux: false, auxChannels: 7 });
    expect(baseline).toMatchObject({ pyramid: { kind: "none" }, auxiliary: { kind: "none" } });
  });

  it.each<[Record<string, unknown>, string]>([
    [{ classes: 1 }, "classes: expected a whole number from 2 to 255 (label 255 is ignored), found 1"],
    [{ layers: 60 }, "layers: expected one of 18, 34, 50, 101, 152, 269, found 60"],
    [{ stem: "wide" }, 'stem: expected one of deep, plain, found "wide"'],
    [
      { stem: "plain", stemChannels: [64, 64, 128] },
      "stemChannels: expected 1 numbers for stem=plain, found [64,64,128]",
    ],
    [{ bins: [6, 3, 2, 1] }, "bins: expected cells a side in ascending order"],
    [{ bins: [] }, "bins: expected a list of whole numbers above 0, found []"],
    [{ dropout: 1 }, "dropout: expected a number from 0 to below 1, found 1"],
    [{ layer: 50 }, 'unknown key "layer"; did you mean "layers"?'],
    [{ backbone: { layer: 50 } }, 'backbone: unknown key "layer"; did you mean "layers"?'],
    [
      { backbone: { kind: "vgg" } },
      'backbone.kind: expected one of resnet, densenet, squeezenet, mobilenetv2, found "vgg"',
    ],
    [{ backbone: 50 }, "backbone: expected fields with their values, found 50"],
    [{ backbone: 50, layers: 18 }, "backbone: expected fields with their values, found 50"],
    [{ constructor: 1 }, 'unknown key "constructor"'],
    [JSON.parse('{ "__proto__": { "backbone": { "layers": 18 } } }'), 'unknown key "__proto__"'],
    [JSON.parse('{ "__proto__": { "kind": "none" } }'), 'unknown key "__proto__"'],
    [{ backbone: { stages: 2, outputStride: 16 } }, "backbone.outputStride: expected at most 8 for stages=2, found 16"],
    [{ backbone: { dilations: [1, 2] } }, "backbone.dilations: expected 4 numbers, one for each stage, found [1,2]"],
    [{ preset: "mmseg-r50-d9" }, 'preset: expected the name of a published network (did you mean "mmseg-r50-d8"?)'],
    [{ preset: 7 }, "preset: expected the name of a published network (`pspnet models` lists them), found 7"],
    [{ pyramid: { kind: "none", bins: [1] } }, 'pyramid: unknown key "bins"; known keys are none'],
    [{ ppm: "no" }, 'pyramid.kind: expected one of pooling, factors, none, found "no"'],
    [
      { layers: 18, backbone: { layers: 50 } },
      "layers: stands for backbone.layers, which is given too; leave out one of them",
    ],
    [{ input: { std: [58.4, 57.1, 57.4] } }, "input.std: expected numbers above 0, 1 at most"],
    [{ width: 0, dropout: 2 }, "pspnetConfig: head.dropout: expected a number from 0 to below 1, found 2"],
  ])("refuses %j", (fields, message) => {
    expect(() => pspnetConfig({ classes: 150, ...fields })).toThrow(message);
  });
});

it("refuses more levels than there are features to divide among them", () => {
  const bins = [1, 2, 3, 4, 5, 6, 7, 8, 9];
  const config = pspnetConfig({ classes: 2, backbone: { layers: 18, width: 1 }, pyramid: { bins } });
  expect(() => new PSPNet(config)).toThrow(
    "pyramid.bins: expected at most as many levels as features (8), found [1,2,",
  );
});

it("takes a preset, and what is said beside it", () => {
  const { backbone, pyramid, head } = pspnetConfig({
    classes: 5,
    preset: "mmseg-r18-d8",
    backbone: { width: 8 },
    headChannels: 9,
  });
  expect(backbone).toMatchObject({ layers: 18, stemChannels: [32, 32, 64], basicDilation: "first", width: 8 });
  expect([pyramid, head]).toMatchObject([{ channels: 128, alignCorners: false }, { channels: 9 }]);
});

describe("dilations of the blocks of a stage", () => {
  const convolutions = (backbone: GivenOf<typeof resNet>) =>
    [...new PSPNet(pspnetConfig({ classes: 2, backbone: { layers: 34, width: 4, ...backbone } })).modules()]
      .filter(([path]) => /^layer[34]\.[01]\.conv[12]$/.test(path))
      .map(([, module]) => module as Conv2d);
  it.each<[GivenOf<typeof resNet>, readonly number[], readonly number[]]>([
    [{}, [2, 2, 2, 2, 4, 4, 4, 4], [1, 1]],
    [{ firstDilation: "halved" }, [1, 1, 2, 2, 2, 2, 4, 4], [1, 1]],
    [{ firstDilation: "halved", basicDilation: "first" }, [1, 1, 2, 1, 2, 1, 4, 1], [1, 1]],
    [{ firstDilation: "halved", basicDilation: "stage" }, [1, 2, 2, 2, 2, 4, 4, 4], [1, 1]],
    [{ firstDilation: "none" }, [1, 1, 2, 2, 1, 1, 4, 4], [1, 1]],
    [{ outputStride: 16 }, [1, 1, 1, 1, 2, 2, 2, 2], [2, 1]],
    [{ outputStride: 32 }, [1, 1, 1, 1, 1, 1, 1, 1], [2, 2]],
    [{ outputStride: 32, dilations: [1, 1, 2, 4], firstDilation: "halved" }, [1, 1, 2, 2, 2, 2, 4, 4], [2, 2]],
  ])("%j", (backbone, dilations, strides) => {
    const found = convolutions(backbone);
    expect(found.map(({ dilation }) => dilation)).toEqual(dilations);
    expect([found[0].stride, found[4].stride]).toEqual(strides);
  });

  it("ends after as many stages as are asked for", () => {
    const net = new PSPNet(pspnetConfig({ classes: 2, backbone: { layers: 50, width: 4, stages: 2 } }));
    expect(net.backbone.channels).toEqual({ middle: 16, last: 32 });
    expect([...net.stateDict().keys()].some((name) => name.startsWith("layer3"))).toBe(false);
  });
});

describe("the size at which corners are aligned", () => {
  it.each([
    [8, [160, 129], [161, 129]],
    [8, [1, 360], [1, 361]],
    [16, [161, 168], [161, 177]],
  ] as const)("at output stride %i: %j becomes %j", (outputStride, [height, width], [h, w]) => {
    const found = alignedSize({ height, width }, pspnetConfig({ classes: 2, backbone: { outputStride } }));
    expect(found).toEqual({ height: h, width: w });
  });

  it("is any size when corners are not", () => {
    const size = { height: 160, width: 131 };
    const any = [{ alignCorners: false }, { sizes: "any" }] as const;
    for (const upsampling of any) expect(alignedSize(size, pspnetConfig({ classes: 2, upsampling }))).toEqual(size);
  });

  it.each([
    [8, [160, 1], [160, 8]],
    [16, [161, 176], [176, 176]],
  ] as const)("is a multiple of %i where that is asked for: %j becomes %j", (outputStride, [height, width], [h, w]) => {
    const config = pspnetConfig({ classes: 2, backbone: { outputStride }, upsampling: { sizes: "8n" } });
    expect(alignedSize({ height, width }, config)).toEqual({ height: h, width: w });
    const asymmetric = pspnetConfig({ classes: 2, backbone: { outputStride }, alignCorners: "asymmetric" });
    expect(alignedSize({ height, width }, asymmetric)).toEqual({ height: h, width: w });
  });
});
