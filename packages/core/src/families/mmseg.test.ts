import { readSafetensors, type State } from "@pspnet/checkpoints";
import { expect, it } from "vitest";
import { pspnetConfig } from "../model/config.js";
import { randomWeights } from "../weights/randomWeights.js";
import { importCheckpoint } from "./importCheckpoint.js";

const config = pspnetConfig({
  classes: 2,
  backbone: { layers: 18, width: 4 },
  head: { channels: 8 },
  auxiliary: { kind: "none" },
});

function foreignName(name: string): string {
  return name
    .replace(/^layer0\./, "backbone.stem.")
    .replace(/^layer/, "backbone.layer")
    .replace(/^ppm\.features\.(\d)\.1\./, "decode_head.psp_modules.$1.1.conv.")
    .replace(/^ppm\.features\.(\d)\.2\./, "decode_head.psp_modules.$1.1.bn.")
    .replace("cls.0.", "decode_head.bottleneck.conv.")
    .replace("cls.1.", "decode_head.bottleneck.bn.")
    .replace("cls.4.", "decode_head.conv_seg.");
}

const state: State = new Map(
  [...readSafetensors(randomWeights(config)).tensors].map(([name, tensor]) => [foreignName(name), tensor]),
);

const SPREAD = "strides=(\n            1,\n            2,\n            2,\n            2,\n        ),";

it.each([
  ["D8, version 0", { config: "strides=(1, 2, 1, 1), align_corners=False" }, 8, false],
  ["D32, version 0", { config: "strides=(1, 2, 2, 2), align_corners=False" }, 32, false],
  ["D16", { config: "strides=(1, 2, 2, 1), align_corners=True" }, 16, true],
  ["D32, version 1", { cfg: `model = dict(auxiliary_head=dict(align_corners=True), ${SPREAD}` }, 32, true],
])("takes stride and corners from the configuration that a checkpoint keeps: %s", (_, meta, outputStride, corners) => {
  const { config: found, assumed } = importCheckpoint({ format: "made", state, metadata: { meta } });
  expect(found).toMatchObject({
    backbone: { outputStride },
    pyramid: { alignCorners: corners },
    upsampling: { alignCorners: corners, sizes: "any" },
  });
  expect(assumed).toEqual([]);
});

it("says what it assumes where a checkpoint keeps none", () => {
  const { assumed } = importCheckpoint({ format: "made", state, metadata: {} });
  expect(assumed.map(({ key }) => key)).toEqual([
    "backbone.outputStride",
    "pyramid.alignCorners",
    "upsampling.alignCorners",
  ]);
});
