import { expect, test } from "vitest";
import { pspnetConfig } from "../model/config.js";
import { WHOLE_IMAGE } from "../protocols/protocols.js";
import { parseWeights } from "../weights/parseWeights.js";
import { randomWeights } from "../weights/randomWeights.js";
import { openOnnxSegmenter } from "./onnxSegmenter.js";

const CLASSES = 150;
const weights = parseWeights(
  randomWeights(pspnetConfig({ classes: CLASSES, layers: 18, width: 16, headChannels: 16, aux: false })),
);

test("a photograph too large for the memory there is as a whole is refused before its pixels are read", async () => {
  const openSession = async () => ({ run: () => expect.unreachable(), release: async () => {} });
  const segmenter = await openOnnxSegmenter({ ...weights, openSession, availableMemory: () => 4e9 });
  const image = { width: 2_000_000, height: 1_000_000, data: new Uint8Array(0) };
  const refusal = /^image: 1000000x2000000 as a whole needs about \d+\.\d GB of memory, 4\.0 GB are free; .*--crop 473/;
  await expect(segmenter.labels(image, WHOLE_IMAGE)).rejects.toThrow(refusal);
  await expect(segmenter.logits(image)).rejects.toThrow(refusal);
});
