import { describe, expect, it } from "vitest";
import { pspnetConfig } from "../model/config.js";
import { PSPNet } from "../model/pspnet.js";
import { parameterCount } from "../nn/module.js";
import { PRESETS } from "./presets.js";

/**
 * Trained values with the auxiliary head and without, of the sources' own code (the authors', mmsegmentation 1.2.2, PaddleSeg,
 * Lextal, segmentation_models without the stages that it makes and does not use, bubbliiiing, kazuto1011, yassouali, CSAIL), of
 * torchvision's backbones with the heads' convolutions counted apart (holyseven, torchvision), and of mitmul/chainer-pspnet's list
 * (Caffe's release and its ports, which have the same layers).
 */
const COUNTS: Readonly<Record<string, readonly [whole: number, prediction: number]>> = {
  "semseg-pspnet50-ade20k": [49_180_908, 46_782_550],
  "semseg-pspnet101-ade20k": [68_173_036, 65_774_678],
  "semseg-pspnet152-ade20k": [83_816_684, 81_418_326],
  "semseg-pspnet50-voc2012": [49_081_578, 46_716_373],
  "semseg-pspnet101-voc2012": [68_073_706, 65_708_501],
  "semseg-pspnet152-voc2012": [83_717_354, 81_352_149],
  "semseg-pspnet50-cityscapes": [49_080_038, 46_715_347],
  "semseg-pspnet101-cityscapes": [68_072_166, 65_707_475],
  "semseg-pspnet152-cityscapes": [83_715_814, 81_351_123],
  "caffe-pspnet50-ade20k": [49_180_908, 46_782_550],
  "caffe-pspnet101-voc2012": [68_073_706, 65_708_501],
  "caffe-pspnet101-cityscapes": [68_072_166, 65_707_475],
  "mmseg-r18-d8": [12_790_086, 12_641_267],
  "mmseg-r50-d8": [48_975_494, 46_610_803],
  "mmseg-r101-d8": [67_967_622, 65_602_931],
  "mmseg-r18b-d8": [12_770_854, 12_622_035],
  "mmseg-r50b-d8": [48_956_262, 46_591_571],
  "mmseg-r101b-d8": [67_948_390, 65_583_699],
  "mmseg-r50-d32": [48_975_494, 46_610_803],
  "mmseg-r50b-d32": [48_956_262, 46_591_571],
  "mmseg-r50-d8-769": [48_975_494, 46_610_803],
  "mmseg-r101-d8-769": [67_967_622, 65_602_931],
  "mmseg-mobilenetv2-d8": [13_620_262, 13_393_683],
  "paddleseg-resnet50-vd": [67_863_942, 65_498_995],
  "paddleseg-resnet101-vd": [86_856_070, 84_491_123],
  "csail-resnet18-ppm": [24_566_636, 24_252_118],
  "csail-resnet50-ppm": [51_579_116, 46_782_550],
  "csail-resnet101-ppm": [70_571_244, 65_774_678],
  "csail-mobilenetv2-ppm": [13_460_886, 13_460_886],
  "smp-resnet18": [928_565, 928_565],
  "smp-resnet34": [1_593_397, 1_593_397],
  "smp-resnet50": [2_330_069, 2_330_069],
  "smp-resnet101": [2_330_069, 2_330_069],
  "smp-resnet152": [3_450_325, 3_450_325],
  "torchvision-resnet50": [52_626_794, 46_678_613],
  "torchvision-resnet101": [71_618_922, 65_670_741],
  "keras-pspnet50-ade20k": [46_782_550, 46_782_550],
  "keras-pspnet101-voc2012": [65_708_501, 65_708_501],
  "keras-pspnet101-cityscapes": [65_707_475, 65_707_475],
  "lextal-resnet18": [17_463_911, 17_393_493],
  "lextal-resnet34": [27_572_071, 27_501_653],
  "lextal-resnet50": [53_584_999, 53_317_973],
  "lextal-resnet101": [72_577_127, 72_310_101],
  "lextal-resnet152": [88_220_775, 87_953_749],
  "lextal-densenet121": [19_071_911, 18_935_957],
  "lextal-squeezenet": [7_009_895, 6_939_477],
  "hellochick-pspnet50-ade20k": [46_782_550, 46_782_550],
  "hellochick-pspnet101-cityscapes": [65_707_475, 65_707_475],
  "jiye-pspnet50-voc2012": [46_716_373, 46_716_373],
  "jiye-pspnet101-voc2012": [65_708_501, 65_708_501],
  "holyseven-resnet50-ade20k": [49_057_132, 46_658_774],
  "holyseven-resnet101-ade20k": [68_049_260, 65_650_902],
  "holyseven-resnet50-voc2012": [48_957_802, 46_592_597],
  "holyseven-resnet101-voc2012": [67_949_930, 65_584_725],
  "holyseven-resnet50-cityscapes": [48_956_262, 46_591_571],
  "holyseven-resnet101-cityscapes": [67_948_390, 65_583_699],
  "bubbliiiing-resnet50": [49_081_578, 46_716_373],
  "bubbliiiing-mobilenetv2": [2_412_914, 2_377_413],
  "kazuto-pspnet50-ade20k": [49_180_908, 46_782_550],
  "kazuto-pspnet101-voc2012": [68_073_706, 65_708_501],
  "kazuto-pspnet101-cityscapes": [68_072_166, 65_707_475],
  "yassouali-resnet50": [51_444_710, 46_715_347],
  "yassouali-resnet101": [70_436_838, 65_707_475],
  "yassouali-resnet152": [86_080_486, 81_351_123],
  "yassouali-densenet201": [42_259_046, 38_378_227],
};

/** The paper's deepest network was never published; pooling factors are of a description. */
const UNCOUNTED = ["paper-pspnet269-ade20k", "factors-pspnet50"];

const network = (name: string) => {
  const preset = PRESETS.find((one) => one.name === name)!;
  return pspnetConfig({ preset: name, classes: preset.classes });
};

it.each(Object.entries(COUNTS))("%s has %j parameters with the auxiliary head and without", (name, counts) => {
  const config = network(name);
  const found = [config, { ...config, auxiliary: { kind: "none" } } as const];
  expect(found.map((one) => parameterCount(new PSPNet(one)))).toEqual(counts);
});

describe.each(PRESETS.map((preset) => [preset.name, preset] as const))("%s", (name, { parts, classes }) => {
  it("is a network that says no field in vain", () => {
    const config = network(name);
    expect(config).toEqual(pspnetConfig({ classes, ...parts }));
    for (const [part, fields] of Object.entries(parts)) expect(config).toMatchObject({ [part]: fields });
  });
});

it("leaves no network uncounted whose code is published", () => {
  const counted = new Set([...Object.keys(COUNTS), ...UNCOUNTED]);
  expect(PRESETS.map(({ name }) => name).filter((name) => !counted.has(name))).toEqual([]);
});

it("no two presets have one name", () => {
  expect(new Set(PRESETS.map(({ name }) => name)).size).toBe(PRESETS.length);
});

it("says where the paper's ResNet-269 has its blocks", () => {
  const blocks = new Set([...new PSPNet(network("paper-pspnet269-ade20k")).stateDict().keys()].map(blockOf));
  expect([1, 2, 3, 4].map((stage) => [...blocks].filter((block) => block.startsWith(`layer${stage}.`)).length)).toEqual(
    [3, 30, 48, 8],
  );
});

function blockOf(name: string): string {
  return name.split(".").slice(0, 2).join(".");
}
