import { averagedLabels, averagedProbabilities, randn, type ScaledLogits, scaledFeatures, tensor } from "@pspnet/torch";
import { describe, expect, test } from "vitest";

interface Form {
  readonly classes: number;
  readonly views: 1 | 2;
  readonly alignCorners: boolean;
}

const SIZE = [19, 31] as const;

/** Three scales: several windows that overlap, an image that a window is larger than, and the image at its own size in one window. */
function scales({ classes, views }: Form): ScaledLogits[] {
  const logits = (h: number, w: number) => randn([views, classes, h, w]).mul(3);
  const around = { top: 0, left: 0 };
  return [
    {
      size: [25, 41],
      padding: around,
      window: [17, 17],
      enlarged: [17, 17],
      windows: [0, 8].flatMap((top) => [0, 12, 24].map((left) => ({ top, left, logits: logits(3, 3) }))),
    },
    {
      size: [9, 15],
      padding: { top: 4, left: 1 },
      window: [17, 17],
      enlarged: [17, 17],
      windows: [{ ...around, logits: logits(3, 3) }],
    },
    {
      size: SIZE,
      padding: around,
      window: SIZE,
      enlarged: [25, 33],
      windows: [{ ...around, logits: logits(4, 5) }],
    },
  ];
}

/** The same in float64, for which libtorch's own operations are used. */
const inDouble = (all: readonly ScaledLogits[]): ScaledLogits[] =>
  all.map((scale) => ({
    ...scale,
    windows: scale.windows.map(({ logits, ...corner }) => ({ ...corner, logits: logits.to({ dtype: "float64" }) })),
  }));

const forms: Form[] = [5, 16, 150].flatMap((classes) =>
  ([1, 2] as const).flatMap((views) => [true, false].map((alignCorners) => ({ classes, views, alignCorners }))),
);

describe("probabilities made row by row are those of whole images in float64", () => {
  test.each(forms)("%j", async (form) => {
    const options = { size: SIZE, alignCorners: form.alignCorners };
    const given = scales(form);
    const found = await averagedProbabilities(given, options);
    const expected = await averagedProbabilities(inDouble(given), options);
    expect(found.length).toBe(form.classes * SIZE[0] * SIZE[1]);
    expect(Math.max(...found.map((value, i) => Math.abs(value - expected[i])))).toBeLessThan(1e-6);

    const labels = await averagedLabels(given, options);
    const area = SIZE[0] * SIZE[1];
    for (const [pixel, label] of labels.entries()) {
      const values = Array.from({ length: form.classes }, (_, c) => found[c * area + pixel]);
      expect(values[label]).toBe(Math.max(...values));
    }
  });
});

test("logits that do not fit are errors", async () => {
  const [scale] = scales({ classes: 5, views: 1, alignCorners: true });
  const options = { size: SIZE, alignCorners: true };
  const other = { top: 0, left: 0, logits: randn([1, 6, 3, 3]) };
  await expect(averagedLabels([{ ...scale, windows: [...scale.windows, other] }], options)).rejects.toThrow(/alike/);
  await expect(averagedLabels([{ ...scale, windows: [] }], options)).rejects.toThrow(/one window or more/);
  await expect(averagedLabels([], options)).rejects.toThrow(/one scale or more/);
  await expect(averagedLabels([{ ...scale, enlarged: [9, 9] }], options)).rejects.toThrow(
    /enlarged to a window's size/,
  );
});

test("features at another size are those of the image, resized and padded", async () => {
  const [h, w] = [7, 10];
  const table = Float32Array.from({ length: 3 * 256 }, (_, i) => i / 100 - 2);
  const photograph = Uint8Array.from({ length: 3 * h * w }, (_, i) => (37 * i) % 256);
  const found = await scaledFeatures(photograph, [h, w], { table, size: [11, 5], padding: [2, 1, 3, 0] });
  const planes = Float32Array.from({ length: 3 * h * w }, (_, i) => {
    const channel = Math.floor(i / (h * w));
    return table[256 * channel + photograph[3 * (i % (h * w)) + channel]];
  });
  const expected = tensor(planes, [1, 3, h, w]).resize([11, 5], { alignCorners: false }).pad([2, 1, 3, 0]);
  expect(found.shape).toEqual([1, 3, 14, 8]);
  expect(found.sub(expected).abs().max().item()).toBeLessThan(1e-5);
});
