import { initialise, PSPNet, pspnetConfig, type RgbImage, random } from "@pspnet/core";
import { backend } from "@pspnet/torch";
import { expect, test } from "vitest";
import { Segmenter } from "./segmenter.js";

const GREY = 128;
const CLASSES = 5;

/** A network whose mean colour is a colour that a byte can have, so that an image can be padded as the network pads. */
function segmenter(): Segmenter {
  const fields = { layers: 18, width: 8, headChannels: 16, bins: [1, 2] } as const;
  const model = new PSPNet(pspnetConfig({ classes: CLASSES, aux: false, ...fields }));
  initialise(model, backend(), { seed: 1 });
  return new Segmenter({
    model,
    engine: { device: "cpu", bf16: false },
    input: { mean: [GREY / 255, GREY / 255, GREY / 255], std: [0.2, 0.2, 0.2], channelOrder: "rgb" },
  });
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
] as const)("an image of %j is looked at as one of %j: each feature stands on its pixel", ([height, width], [h, w]) => {
  const image = noise(height, width);
  const found = segmenter().logits(image);
  const whole = segmenter().logits(padded(image, [h, w]));
  const expected = found.map((_, i) => {
    const [c, y, x] = [Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width];
    return whole[(c * h + y) * w + x];
  });
  expect(Math.max(...found.map((value, i) => Math.abs(value - expected[i])))).toBeLessThan(1e-5);
});
