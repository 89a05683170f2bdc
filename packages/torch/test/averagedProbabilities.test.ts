import * as core from "@pspnet/core";
import { planWindows, type ScaledLogits, type Size, type WindowLogits } from "@pspnet/core";
import { averagedLabels, averagedProbabilities, randn, scaledFeatures, type Tensor, tensor } from "@pspnet/torch";
import { describe, expect, test } from "vitest";

interface Form {
  readonly classes: number;
  readonly views: 1 | 2;
  readonly alignCorners: boolean;
}

const SIZE = { height: 19, width: 31 };

/** Three scales: several windows that overlap, an image that a window is larger than, and the image at its own size in one window. */
function scales({ classes, views }: Form): ScaledLogits<Tensor>[] {
  const scale = (size: Size, crop: number | null, [enlarged, shape]: readonly [Size, readonly [number, number]]) => {
    const plan = planWindows(size, { crop });
    return { size, plan, enlarged, windows: plan.windows.map(() => randn([views, classes, ...shape]).mul(3)) };
  };
  const square = { height: 17, width: 17 };
  return [
    scale({ height: 25, width: 41 }, 17, [square, [3, 3]]),
    scale({ height: 9, width: 15 }, 17, [square, [3, 3]]),
    scale(SIZE, null, [{ height: 25, width: 33 }, [4, 5]]),
  ];
}

/** The same in float64, for which libtorch's own operations are used. */
const inDouble = (all: readonly ScaledLogits<Tensor>[]): ScaledLogits<Tensor>[] =>
  all.map((scale) => ({ ...scale, windows: scale.windows.map((logits) => logits.to({ dtype: "float64" })) }));

/** The same for core. */
const inArrays = (all: readonly ScaledLogits<Tensor>[]): ScaledLogits<WindowLogits>[] =>
  all.map((scale) => ({
    ...scale,
    windows: scale.windows.map((logits) => ({
      shape: logits.shape as unknown as WindowLogits["shape"],
      data: logits.toArray() as Float32Array,
    })),
  }));

const furthest = (a: Float32Array, b: Float32Array) => Math.max(...a.map((value, i) => Math.abs(value - b[i])));

const forms: Form[] = [5, 16, 150].flatMap((classes) =>
  ([1, 2] as const).flatMap((views) => [true, false].map((alignCorners) => ({ classes, views, alignCorners }))),
);

function expectLargest(labels: Uint8Array, probabilities: Float32Array): void {
  const area = labels.length;
  for (const [pixel, label] of labels.entries()) {
    const values = probabilities.filter((_, i) => i % area === pixel);
    expect(values[label]).toBe(Math.max(...values));
  }
}

describe("probabilities made row by row, here and in core, are those of whole images in float64", () => {
  test.each(forms)("%j", async (form) => {
    const options = { size: SIZE, alignCorners: form.alignCorners };
    const given = scales(form);
    const found = await averagedProbabilities(given, options);
    const expected = await averagedProbabilities(inDouble(given), options);
    expect(found.length).toBe(form.classes * SIZE.height * SIZE.width);
    expect(furthest(found, expected)).toBeLessThan(1e-6);
    const plain = core.averagedProbabilities(inArrays(given), options);
    expect(furthest(plain, expected)).toBeLessThan(1e-6);

    const labels = await averagedLabels(given, options);
    expectLargest(labels, found);
    expectLargest(core.averagedLabels(inArrays(given), options), plain);
  });
});

test("logits that do not fit are errors", async () => {
  const [scale] = scales({ classes: 5, views: 1, alignCorners: true });
  const options = { size: SIZE, alignCorners: true };
  const refused = (changed: Partial<ScaledLogits<Tensor>>) => averagedLabels([{ ...scale, ...changed }], options);
  const [, ...others] = scale.windows;
  await expect(refused({ windows: [randn([1, 6, 3, 3]), ...others] })).rejects.toThrow(/alike/);
  await expect(refused({ windows: others })).rejects.toThrow(/expected those of each window/);
  await expect(refused({ enlarged: { height: 9, width: 9 } })).rejects.toThrow(/enlarged to a window's size/);
  await expect(averagedLabels([], options)).rejects.toThrow(/one scale or more/);
  expect(() => core.averagedLabels(inArrays([{ ...scale, windows: others }]), options)).toThrow(/of each window/);
});

test("features at another size are those of the image, resized and padded", async () => {
  const [h, w] = [7, 10];
  const table = Float32Array.from({ length: 3 * 256 }, (_, i) => i / 100 - 2);
  const photograph = Uint8Array.from({ length: 3 * h * w }, (_, i) => (37 * i) % 256);
  const found = await scaledFeatures(photograph, [h, w], {
    table,
    reversed: false,
    size: [11, 5],
    padding: [2, 1, 3, 0],
  });
  const planes = Float32Array.from({ length: 3 * h * w }, (_, i) => {
    const channel = Math.floor(i / (h * w));
    return table[256 * channel + photograph[3 * (i % (h * w)) + channel]];
  });
  const expected = tensor(planes, [1, 3, h, w]).resize([11, 5], { alignCorners: false }).pad([2, 1, 3, 0]);
  expect(found.shape).toEqual([1, 3, 14, 8]);
  expect(found.sub(expected).abs().max().item()).toBeLessThan(1e-5);
});
