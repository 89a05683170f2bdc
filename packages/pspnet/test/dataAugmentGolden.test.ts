/** The stages of the augmentation against OpenCV 4.10's: `scripts/golden/make_augment_golden.py` recorded the other side. */
import { readFile } from "node:fs/promises";
import { IMAGENET_MEAN, readSafetensors } from "@pspnet/core";
import { describe, expect, it } from "vitest";
import { blur } from "../src/data/blur.js";
import { rotateImage, rotateLabel, scaledSide, scaleImage, scaleLabel } from "../src/data/resample.js";

const { tensors } = readSafetensors(await readFile(new URL("golden/augment.safetensors", import.meta.url)));
const bytes = (name: string) => Uint8Array.from(tensors.get(name)!.bytes);
const floats = (name: string) => tensors.get(name)!.float32();
const [height, width] = tensors.get("image")!.shape;
const image = { width, height, data: bytes("image") };
const label = { width, height, data: bytes("label") };
const whole = { x: 0, y: 0, width, height };

const farthest = (found: Float32Array, expected: Float32Array) => {
  expect(found).toHaveLength(expected.length);
  return found.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0);
};

describe("cv2.resize", () => {
  it.each(["0.5", "0.73", "1.0", "1.37", "2.0"])("of %s", (name) => {
    const scale = Number(name);
    const region = { x: 0, y: 0, width: scaledSide(width, scale), height: scaledSide(height, scale) };
    expect(tensors.get(`scale.${name}.image`)!.shape).toEqual([region.height, region.width, 3]);
    const pixels = new Float32Array(3 * region.width * region.height);
    scaleImage(image, { scale, region, out: pixels });
    expect(farthest(pixels, floats(`scale.${name}.image`))).toBeLessThan(1e-4);
    const ids = new Uint8Array(region.width * region.height);
    scaleLabel(label, { scale, region, out: ids });
    expect(ids).toEqual(bytes(`scale.${name}.label`));
  });
});

describe("cv2.warpAffine, whose positions are rounded to 1/32 pixel", () => {
  it.each(["-10.0", "3.3", "10.0"])("by %s degrees", (name) => {
    const turn = { degrees: Number(name), size: { width, height } };
    const on = { turn, from: whole, region: whole };
    const fill = Float32Array.from(IMAGENET_MEAN, (mean) => 255 * mean);
    const pixels = new Float32Array(3 * width * height);
    rotateImage({ ...on, source: Float32Array.from(image.data), out: pixels, fill });
    const expected = floats(`rotate.${name}.image`);
    // Neighbours differ by up to 120 grey levels at the border, so 1/64 pixel along each side by up to 4.
    expect(farthest(pixels, expected)).toBeLessThan(3);
    const mean = pixels.reduce((sum, value, i) => sum + Math.abs(value - expected[i]), 0) / pixels.length;
    expect(mean).toBeLessThan(0.2);
    const ids = new Uint8Array(width * height);
    rotateLabel({ ...on, source: label.data, out: ids });
    expect(ids).toEqual(bytes(`rotate.${name}.label`));
  });
});

it("cv2.GaussianBlur of 5x5 with sigma 0", () => {
  const on = { size: { width, height }, from: whole, region: whole, source: Float32Array.from(image.data) };
  const [out, scratch] = [new Float32Array(3 * width * height), new Float32Array(3 * width * height)];
  blur({ channels: 3, ...on, out, scratch });
  expect(farthest(out, floats("blur.image"))).toBeLessThan(1e-4);
});
