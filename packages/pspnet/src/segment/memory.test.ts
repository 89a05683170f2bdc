import { pspnetConfig } from "@pspnet/core";
import { expect, test } from "vitest";
import { randomWeights } from "../bench/randomWeights.js";
import { mapsOfLogits, requireMemory } from "./memory.js";
import { OnnxSegmenter } from "./onnxSegmenter.js";
import { WHOLE_IMAGE } from "./protocol.js";
import { restAtExit } from "./restAtExit.js";
import type { Runtime } from "./runtime.js";
import { TorchSegmenter } from "./torchSegmenter.js";
import { parseWeights } from "./weights.js";

const weights = parseWeights(
  randomWeights(pspnetConfig({ classes: 150, layers: 18, width: 16, headChannels: 16, aux: false })),
  { source: "weights", owned: true },
);
const runtimes: readonly [string, () => Pick<Runtime, "labels" | "logits">][] = [
  ["torch", () => new TorchSegmenter(weights.description, weights.state, { device: "cpu", bf16: false })],
  ["onnx", () => new OnnxSegmenter({ ...weights, rest: restAtExit() })],
];

test.each(runtimes)(
  "a photograph too large for any memory as a whole is refused on %s before its pixels are read",
  async (_name, open) => {
    const segmenter = open();
    const image = { width: 2_000_000, height: 1_000_000, data: new Uint8Array(0) };
    const refusal =
      /^image: 2000000x1000000 as a whole needs about \d+\.\d GB of memory, \d+\.\d GB are free; .*--crop 473/;
    await expect(segmenter.labels(image, WHOLE_IMAGE)).rejects.toThrow(refusal);
    await expect(segmenter.logits(image)).rejects.toThrow(refusal);
  },
);

test("what fits is not refused", () => {
  const image = { width: 100, height: 50 };
  expect(() => requireMemory({ image, need: 1e9, available: 1e9 })).not.toThrow();
  expect(() => requireMemory({ image, need: 1e9 + 1, available: 1e9 })).toThrow("100x50");
  expect(mapsOfLogits(2, { ...image, classes: 3 })).toBe(2 * 3 * 100 * 50 * 4);
});
