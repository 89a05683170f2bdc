import { initialise, PSPNet, pspnetConfig, type RgbImage, random, WHOLE_IMAGE } from "@pspnet/core";
import { backend } from "@pspnet/torch";
import { expect, test } from "vitest";
import { stateOf, tensorsOf } from "../train/network.js";
import { TorchSegmenter } from "./torchSegmenter.js";

const GREY = 128;
const CLASSES = 5;

/** A network whose mean colour is a colour that a byte can have, so that an image can be padded as the network pads. */
function segmenter(channelOrder: "rgb" | "bgr" = "rgb"): TorchSegmenter {
  const fields = { layers: 18, width: 8, headChannels: 16, bins: [1, 2] } as const;
  const mean = [GREY / 255, GREY / 255, GREY / 255] as const;
  const input = { mean, std: [0.2, 0.2, 0.2], channelOrder } as const;
  const config = pspnetConfig({ classes: CLASSES, aux: false, ...fields, input });
  const model = new PSPNet(config);
  initialise(model, backend(), { seed: 1 });
  return new TorchSegmenter({ config, crop: 57 }, stateOf(tensorsOf(model)), { device: "cpu", precision: "fp32" });
}

function noise(height: number, width: number): RgbImage {
  const generator = random(1);
  return { width, height, data: Uint8Array.from({ length: 3 * height * width }, () => 256 * generator.next()) };
}

function padded({ width, height, data }: RgbImage, [h, w]: readonly [number, number]): RgbImage {
  const larger = new Uint8Array(3 * h * w).fill(GREY);
  for (let y = 0; y < height; y++) larger.set(data.subarray(3 * y * width, 3 * (y + 1) * width), 3 * y * w);
  return { width: w, height: h, data: larger };
}

test.each([
  [
    [50, 60],
    [57, 65],
  ],
  [
    [56, 64],
    [57, 65],
  ],
  [
    [57, 66],
    [57, 73],
  ],
] as const)(
  "an image of %j is looked at as one of %j: each feature stands on its pixel",
  async ([height, width], [h, w]) => {
    const image = noise(height, width);
    const found = await segmenter().logits(image);
    const whole = await segmenter().logits(padded(image, [h, w]));
    const expected = found.map((_, i) => {
      const [c, y, x] = [Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width];
      return whole[(c * h + y) * w + x];
    });
    expect(Math.max(...found.map((value, i) => Math.abs(value - expected[i])))).toBeLessThan(1e-5);
  },
);

test("a network of order bgr sees the channels reversed, in labels and in logits", async () => {
  const image = noise(57, 65);
  const data = Uint8Array.from(image.data, (_, i) => image.data[i + 2 - 2 * (i % 3)]);
  const reversed = { ...image, data };
  expect(await segmenter("bgr").logits(reversed)).toEqual(await segmenter().logits(image));
  expect(await segmenter("bgr").labels(reversed, WHOLE_IMAGE)).toEqual(await segmenter().labels(image, WHOLE_IMAGE));
});

test("the plain pass and the general one give the same labels", async () => {
  const image = noise(57, 65);
  const plain = await segmenter().labels(image, WHOLE_IMAGE);
  const general = await segmenter().labels(image, { ...WHOLE_IMAGE, crop: 65 });
  const probabilities = await segmenter().probabilities(image, { ...WHOLE_IMAGE, scales: [1, 1] });
  const best = Uint8Array.from({ length: 57 * 65 }, (_, i) => {
    const scores = Array.from({ length: CLASSES }, (_, c) => probabilities[c * 57 * 65 + i]);
    return scores.indexOf(Math.max(...scores));
  });
  expect(plain.data).toEqual(best);
  expect(general.data.length).toBe(plain.data.length);
});

test("a photograph too large for any memory as a whole is refused before its pixels are read", async () => {
  const image = { width: 2_000_000, height: 1_000_000, data: new Uint8Array(0) };
  const refusal =
    /^image: 1000000x2000000 as a whole needs about \d+\.\d GB of memory, \d+\.\d GB are free; .*--crop 473/;
  await expect(segmenter().labels(image, WHOLE_IMAGE)).rejects.toThrow(refusal);
  await expect(segmenter().logits(image)).rejects.toThrow(refusal);
});
