import {
  type Crop,
  cropSize,
  IGNORE,
  IMAGENET,
  IMAGENET_MEAN,
  IMAGENET_STD,
  type LabelMap,
  type Random,
  type RgbImage,
  random,
  type Size,
} from "@pspnet/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Augmentation, Augmenter, type AugmentOptions, drawAugmentation } from "./augment.js";
import { type ColourChange, changeColours } from "./photometric.js";
import { scaledSide } from "./resample.js";

const FILL = IMAGENET_MEAN.map((mean) => Math.fround(255 * mean));

interface Sample {
  readonly image: RgbImage;
  readonly label: LabelMap;
}

function makeSample(width: number, height: number, seed = 7): Sample {
  const generator = random(seed);
  const image = {
    width,
    height,
    data: Uint8Array.from({ length: 3 * width * height }, () => generator.integer(0, 256)),
  };
  const label = { width, height, data: Uint8Array.from({ length: width * height }, () => generator.integer(0, 9)) };
  return { image, label };
}

type Options = Omit<AugmentOptions, "input" | "crop"> &
  Partial<Pick<AugmentOptions, "input">> & { readonly crop: Crop };

function augment(sample: Sample, options: Options, generator: Random) {
  const crop = cropSize(options.crop);
  const pixels = crop.height * crop.width;
  // Values that must not survive, to see that all of the target is written.
  const target = { image: new Float32Array(3 * pixels).fill(99), label: new Uint8Array(pixels).fill(77) };
  new Augmenter({ input: IMAGENET, ...options, crop }).augment(sample, { generator, target });
  return target;
}

/** A whole image as the official transforms pass it on: pixel(x, y, c) and its label. */
interface Whole {
  readonly width: number;
  readonly height: number;
  readonly pixel: (x: number, y: number, c: number) => number;
  readonly label: (x: number, y: number) => number;
}

function stored(whole: Whole): Whole {
  const { width, height } = whole;
  const pixels = new Float32Array(3 * width * height);
  const labels = new Uint8Array(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) pixels[3 * (y * width + x) + c] = whole.pixel(x, y, c);
      labels[y * width + x] = whole.label(x, y);
    }
  return {
    width,
    height,
    pixel: (x, y, c) => pixels[3 * (y * width + x) + c],
    label: (x, y) => labels[y * width + x],
  };
}

function scaleWhole({ image, label }: Sample, scale: number): Whole {
  const width = scaledSide(image.width, scale);
  const height = scaledSide(image.height, scale);
  const along = (position: number, side: number) => {
    const exact = Math.min(side - 1, Math.max(0, (position + 0.5) / scale - 0.5));
    const first = Math.floor(exact);
    return { first, second: Math.min(first + 1, side - 1), weight: Math.fround(exact - first) };
  };
  return stored({
    width,
    height,
    pixel: (x, y, c) => {
      const h = along(x, image.width);
      const v = along(y, image.height);
      const at = (line: number, column: number) => image.data[3 * (line * image.width + column) + c];
      const row = (line: number) => Math.fround(at(line, h.first) * (1 - h.weight) + at(line, h.second) * h.weight);
      return row(v.first) * (1 - v.weight) + row(v.second) * v.weight;
    },
    label: (x, y) => {
      const nearest = (position: number, side: number) => Math.min(side - 1, Math.floor(position * (1 / scale)));
      return label.data[nearest(y, image.height) * image.width + nearest(x, image.width)];
    },
  });
}

function rotateWhole(whole: Whole, degrees: number): Whole {
  const { width, height } = whole;
  const cos = Math.cos((degrees * Math.PI) / 180);
  const sin = Math.sin((degrees * Math.PI) / 180);
  const from = (x: number, y: number): [number, number] => [
    cos * (x - width / 2) - sin * (y - height / 2) + width / 2,
    sin * (x - width / 2) + cos * (y - height / 2) + height / 2,
  ];
  const inside = (x: number, y: number) => x >= 0 && x < width && y >= 0 && y < height;
  return stored({
    width,
    height,
    pixel: (x, y, c) => {
      const [sx, sy] = from(x, y);
      const [x0, y0] = [Math.floor(sx), Math.floor(sy)];
      const [right, bottom] = [sx - x0, sy - y0];
      const at = (i: number, j: number) => (inside(i, j) ? whole.pixel(i, j, c) : FILL[c]);
      if (x0 < -1 || x0 >= width || y0 < -1 || y0 >= height) return FILL[c];
      const above = at(x0, y0) * ((1 - right) * (1 - bottom)) + at(x0 + 1, y0) * (right * (1 - bottom));
      return above + at(x0, y0 + 1) * ((1 - right) * bottom) + at(x0 + 1, y0 + 1) * (right * bottom);
    },
    label: (x, y) => {
      const [i, j] = from(x, y).map((position) => Math.floor(position + 0.5));
      return inside(i, j) ? whole.label(i, j) : IGNORE;
    },
  });
}

function blurWhole(whole: Whole): Whole {
  const reflect = (position: number, side: number): number => {
    if (side === 1) return 0;
    if (position < 0) return reflect(-position, side);
    return position < side ? position : reflect(2 * (side - 1) - position, side);
  };
  const kernel = (value: (offset: number) => number) =>
    (6 / 16) * value(0) + (4 / 16) * (value(-1) + value(1)) + (1 / 16) * (value(-2) + value(2));
  const rows = stored({
    ...whole,
    pixel: (x, y, c) => kernel((offset) => whole.pixel(reflect(x + offset, whole.width), y, c)),
  });
  return stored({
    ...whole,
    pixel: (x, y, c) => kernel((offset) => rows.pixel(x, reflect(y + offset, whole.height), c)),
  });
}

function colourWhole(whole: Whole, change: ColourChange): Whole {
  const pixel = (x: number, y: number, c: number) => {
    const values = Float32Array.from([0, 1, 2], (channel) => whole.pixel(x, y, channel));
    changeColours(values, 1, change);
    return values[c];
  };
  return stored({ ...whole, pixel });
}

function cropWhole(whole: Whole, drawn: Augmentation, crop: Size) {
  const { width, height } = whole;
  const image = new Float32Array(3 * crop.height * crop.width);
  const label = new Uint8Array(crop.height * crop.width);
  const offset = (side: number, crop: number, at: number) =>
    side < crop ? -Math.floor((crop - side) / 2) : Math.floor(at * (side - crop + 1));
  for (let y = 0; y < crop.height; y++)
    for (let x = 0; x < crop.width; x++) {
      const [i, j] = [x + offset(width, crop.width, drawn.left), y + offset(height, crop.height, drawn.top)];
      const inside = i >= 0 && i < width && j >= 0 && j < height;
      const source = drawn.mirror ? width - 1 - i : i;
      label[y * crop.width + x] = inside ? whole.label(source, j) : IGNORE;
      for (let c = 0; c < 3; c++) {
        const value = inside ? whole.pixel(source, j, c) : FILL[c];
        image[3 * (y * crop.width + x) + c] = (value - FILL[c]) * (1 / (255 * IMAGENET_STD[c]));
      }
    }
  return { image, label };
}

function augmentWhole(sample: Sample, options: Options, generator: Random) {
  const drawn = drawAugmentation(generator, options);
  let whole = scaleWhole(sample, drawn.scale);
  if (drawn.degrees !== 0) whole = rotateWhole(whole, drawn.degrees);
  if (drawn.blur) whole = blurWhole(whole);
  if (drawn.colours) whole = colourWhole(whole, drawn.colours);
  return cropWhole(whole, drawn, cropSize(options.crop));
}

test("a crop has exactly the values that the whole image would have there", () => {
  const property = fc.property(
    fc.record({
      width: fc.integer({ min: 1, max: 40 }),
      height: fc.integer({ min: 1, max: 40 }),
      scaleMin: fc.double({ min: 0.3, max: 1, noNaN: true }),
      scaleMax: fc.double({ min: 1, max: 2.5, noNaN: true }),
      rotate: fc.constantFrom(0, 10, 180),
      blur: fc.boolean(),
      mirror: fc.boolean(),
      photometric: fc.boolean(),
      crop: fc.tuple(fc.integer({ min: 9, max: 33 }), fc.integer({ min: 9, max: 33 })),
      seed: fc.nat(),
    }),
    ({ width, height, seed, ...options }) => {
      const sample = makeSample(width, height);
      const expected = augmentWhole(sample, options, random(seed));
      const found = augment(sample, options, random(seed));
      expect(found.label).toEqual(expected.label);
      expect(found.image).toEqual(expected.image);
    },
  );
  fc.assert(property, { numRuns: 300 });
});

const PLAIN = { scaleMin: 1, scaleMax: 1, rotate: 0, blur: false, mirror: false } as const;

test("without changes, a crop of the image's size is the normalised image", () => {
  const sample = makeSample(9, 9);
  const { image, label } = augment(sample, { ...PLAIN, crop: 9 }, random(1));
  expect(label).toEqual(sample.label.data);
  const [mean, std] = [IMAGENET_MEAN, IMAGENET_STD];
  image.forEach((value, i) => {
    expect(value).toBeCloseTo((sample.image.data[i] / 255 - mean[i % 3]) / std[i % 3], 4);
  });
});

describe("another input than ImageNet's", () => {
  const input = { mean: [0.1, 0.2, 0.3], std: [0.5, 0.25, 1], channelOrder: "bgr" } as const;

  test("is what the crop is written in", () => {
    const sample = makeSample(9, 9);
    const { image } = augment(sample, { ...PLAIN, crop: 9, input }, random(1));
    const expected = [...sample.image.data].map((_, i) => {
      const channel = 2 - (i % 3);
      return (sample.image.data[i - (i % 3) + channel] / 255 - input.mean[channel]) / input.std[channel];
    });
    image.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i], 4);
    });
  });

  test("has its own mean where nothing of the image is", () => {
    const sample = makeSample(9, 9);
    const draws = [0, 0, 1, 1, 1, 0, 0];
    const generator = { ...random(1), next: () => draws.shift() ?? 0 };
    const scripted: Random = { ...generator, uniform: (low, high) => low + (high - low) * generator.next() };
    const { image, label } = augment(sample, { ...PLAIN, rotate: 45, crop: 9, input }, scripted);
    expect(label[0]).toBe(IGNORE);
    expect([...image.subarray(0, 3)]).toEqual([0, 0, 0]);
  });
});

test("an image smaller than the crop stands in the middle, between mean and ignore", () => {
  const sample = makeSample(4, 6);
  const { image, label } = augment(sample, { ...PLAIN, crop: 9 }, random(1));
  expect(image[0]).toBe(0);
  expect(label.filter((id) => id !== IGNORE)).toEqual(sample.label.data);
  expect(label[1 * 9 + 2]).toBe(sample.label.data[0]);
});

test("turning by a quarter counter-clockwise brings the right side to the top", () => {
  const data = new Uint8Array(81).map((_, i) => (i % 9 === 7 ? 1 : 0));
  const sample = { image: makeSample(9, 9).image, label: { width: 9, height: 9, data } };
  // Draws: scale, turned, degrees at the upper end of -90..90, not blurred, not mirrored, corner of the crop.
  const draws = [0, 0, 1, 1, 1, 0, 0];
  const generator = { ...random(1), next: () => draws.shift() ?? 0 };
  const scripted: Random = { ...generator, uniform: (low, high) => low + (high - low) * generator.next() };
  const { label } = augment(sample, { ...PLAIN, rotate: 90, crop: 9 }, scripted);
  // About (4.5, 4.5), column 7 becomes row 2: x' = y, y' = 9 - x.
  expect([...label.subarray(18, 27)]).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1]);
});

test("an option that is switched off leaves the other draws as they are", () => {
  const options = { scaleMin: 0.5, scaleMax: 2, rotate: 10, blur: true, mirror: true, crop: 9 };
  for (let seed = 0; seed < 50; seed++) {
    const all = drawAugmentation(random(seed), options);
    const fewer = drawAugmentation(random(seed), { ...options, rotate: 0, blur: false });
    expect(fewer).toEqual({ ...all, degrees: 0, blur: false });
    const more = drawAugmentation(random(seed), { ...options, photometric: true });
    expect({ ...more, colours: null }).toEqual(all);
  }
});

test("turns, blurs and mirrors about half of the samples, and scales within the range", () => {
  const options = { scaleMin: 0.5, scaleMax: 2, rotate: 10, blur: true, mirror: true, crop: 9 };
  const drawn = Array.from({ length: 2000 }, (_, seed) => drawAugmentation(random(seed), options));
  for (const key of ["degrees", "blur", "mirror"] as const) {
    const share = drawn.filter((one) => Boolean(one[key])).length / drawn.length;
    expect(share).toBeGreaterThan(0.45);
    expect(share).toBeLessThan(0.55);
  }
  const scales = drawn.map(({ scale }) => scale);
  expect(Math.min(...scales)).toBeGreaterThanOrEqual(0.5);
  expect(Math.max(...scales)).toBeLessThanOrEqual(2);
  expect(scales.filter((scale) => scale < 1.25).length / scales.length).toBeCloseTo(0.5, 1);
});
