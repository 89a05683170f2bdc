import { type AlignCorners, PROTOCOLS, passesOf, type Size, windowGrid } from "@pspnet/core";
import * as core from "@pspnet/core/segment";
import { bandsOf, type ScaledLogits, type WindowLogits } from "@pspnet/core/segment";
import { averagedLabels, averagedProbabilities, blendedProbabilities, randn, type Tensor, tensor } from "@pspnet/torch";
import { describe, expect, test } from "vitest";

const { rules } = PROTOCOLS.semseg;

interface Form {
  readonly classes: number;
  readonly views: 1 | 2;
  readonly alignCorners: AlignCorners;
}

const SIZE = { height: 19, width: 31 };

/** Three scales: several windows that overlap, an image that a window is larger than, and the image at its own size in one window. */
function scales({ classes, views }: Form): ScaledLogits<Tensor>[] {
  const scale = (size: Size, crop: number | null, [enlarged, shape]: readonly [Size, readonly [number, number]]) => {
    const grid = windowGrid(size, { rules, crop });
    return { size, grid, enlarged, windows: grid.windows.map(() => randn([views, classes, ...shape]).mul(3)) };
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
  ([1, 2] as const).flatMap((views) =>
    ([true, false, "asymmetric"] as const).map((alignCorners) => ({ classes, views, alignCorners })),
  ),
);

function expectLargest(labels: Uint8Array, probabilities: Float32Array): void {
  const area = labels.length;
  for (const [pixel, label] of labels.entries()) {
    let largest = 0;
    for (let i = pixel; i < probabilities.length; i += area) largest = Math.max(largest, probabilities[i]);
    expect(probabilities[label * area + pixel]).toBe(largest);
  }
}

describe("probabilities made row by row, here and in core, are those of whole images in float64", () => {
  test.each(forms)("%j", async (form) => {
    const options = { rules, size: SIZE, alignCorners: form.alignCorners };
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

test("probabilities averaged over time are core's, and misfits are errors", async () => {
  const windows = [1, 2, 3].map(() => randn([2, 5, 3, 4]).mul(6));
  const arrays = inArrays([{ windows } as unknown as ScaledLogits<Tensor>])[0].windows;
  let [found, expected]: [Tensor | undefined, WindowLogits | undefined] = [undefined, undefined];
  for (const [i, share] of [0.5, 0.1, 0.7].entries()) {
    found = await blendedProbabilities(windows[i], found, share);
    expected = core.blendedProbabilities(arrays[i], expected, share);
    expect(furthest(found.toArray() as Float32Array, expected.data)).toBeLessThan(1e-4);
  }
  await expect(blendedProbabilities(windows[0], windows[1].narrow(0, 0, 1), 0.5)).rejects.toThrow(/of the same sizes/);
  for (const share of [0, 1.5, Number.NaN])
    await expect(blendedProbabilities(windows[0], found, share)).rejects.toThrow(/expected a share above 0 to 1/);
});

test("logits that do not fit are errors", async () => {
  const [scale] = scales({ classes: 5, views: 1, alignCorners: true });
  const options = { rules, size: SIZE, alignCorners: true };
  const refused = (changed: Partial<ScaledLogits<Tensor>>) => averagedLabels([{ ...scale, ...changed }], options);
  const [, ...others] = scale.windows;
  await expect(refused({ windows: [randn([1, 6, 3, 3]), ...others] })).rejects.toThrow(/alike/);
  await expect(refused({ windows: others })).rejects.toThrow(/expected those of each window/);
  await expect(refused({ enlarged: { height: 9, width: 9 } })).rejects.toThrow(/enlarged to a window's size/);
  await expect(averagedLabels([], options)).rejects.toThrow(/one scale or more/);
  expect(() => core.averagedLabels(inArrays([{ ...scale, windows: others }]), options)).toThrow(/of each window/);
});

test("some rows are those of the whole, from just the windows that lie on them, in every precision and in core", async () => {
  const passes = passesOf(SIZE, { rules, baseSize: null, scales: [0.6, 1.3], crop: 17 });
  const whole = passes.map(({ grid, ...size }) => {
    const windows = grid.windows.map(() => randn([2, 5, 3, 3]).mul(3));
    return { size, grid, enlarged: { height: 17, width: 17 }, windows };
  });
  const options = { rules, size: SIZE, alignCorners: true };
  const [plane, area] = [SIZE.width, SIZE.width * SIZE.height];
  const probabilities = await averagedProbabilities(whole, options);
  const labels = await averagedLabels(whole, options);
  const bands = bandsOf(SIZE, passes, { rules, alignCorners: true });
  expect(bands.length).toBeGreaterThan(1);
  for (const { rows, windows } of bands) {
    const scales = whole.map((scale, p) => ({
      ...scale,
      grid: { ...scale.grid, windows: windows[p].map((i) => scale.grid.windows[i]) },
      windows: windows[p].map((i) => scale.windows[i]),
    }));
    const [begin, end] = rows.map((y) => y * plane);
    expect(await averagedLabels(scales, { ...options, rows })).toEqual(labels.subarray(begin, end));
    const expected = Float32Array.from(
      [0, 1, 2, 3, 4].flatMap((c) => [...probabilities.subarray(c * area + begin, c * area + end)]),
    );
    for (const part of [
      await averagedProbabilities(scales, { ...options, rows }),
      await averagedProbabilities(inDouble(scales), { ...options, rows }),
      core.averagedProbabilities(inArrays(scales), { ...options, rows }),
    ]) {
      expect(part.length).toBe(expected.length);
      expect(furthest(part, expected)).toBeLessThan(1e-6);
    }
  }
});

test("logits that are all NaN give class 0, and those that are in part the largest number, wherever they are computed", async () => {
  const size = { height: 5, width: 5 };
  const grid = windowGrid(size, { rules, crop: null });
  for (const dtype of ["float32", "float64"] as const) {
    const empty = tensor(new Float32Array(7 * 9).fill(Number.NaN), [1, 7, 3, 3]).to({ dtype });
    const labels = await averagedLabels([{ size, grid, enlarged: size, windows: [empty] }], {
      rules,
      size,
      alignCorners: true,
    });
    expect(new Set(labels)).toEqual(new Set([0]));
    expect(new Set(empty.upsampledArgmax(5, 5, { alignCorners: true }).toNumbers())).toEqual(new Set([0]));
    const partly = tensor(Float32Array.of(Number.NaN, 1, 3, 2), [1, 4, 1, 1]).to({ dtype });
    expect(new Set(partly.upsampledArgmax(5, 5, { alignCorners: true }).toNumbers())).toEqual(new Set([2]));
  }
});
