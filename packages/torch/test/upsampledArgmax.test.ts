import type { AlignCorners } from "@pspnet/core";
import { full, manualSeed, randint, randn, scope, type Tensor } from "@pspnet/torch";
import { expect, test } from "vitest";

type Sides = readonly [number, number];

const rules: readonly AlignCorners[] = [true, false, "asymmetric"];
const classes = [1, 2, 16, 19, 150, 256];
const sizes: readonly { readonly grid: Sides; readonly size: Sides; readonly crop?: Sides }[] = [
  { grid: [6, 5], size: [41, 33] },
  { grid: [4, 6], size: [32, 48], crop: [27, 45] },
  { grid: [5, 3], size: [37, 50], crop: [1, 1] },
  { grid: [1, 1], size: [9, 70] },
  { grid: [1, 4], size: [20, 31] },
  { grid: [3, 1], size: [60, 5] },
  { grid: [7, 9], size: [7, 9] },
  { grid: [12, 10], size: [5, 60] },
];
const kinds: Readonly<Record<string, (shape: readonly [number, number, number, number]) => Tensor>> = {
  random: (shape) => randn(shape),
  "of three values": (shape) => randint(-1, 2, shape).to({ dtype: "float32" }),
  "alike in all classes": ([n, c, h, w]) => randn([n, 1, h, w]).expand(n, c, h, w),
  "of one value": (shape) => full(shape, -3),
  "a rounding apart": (shape) =>
    randint(0, 2, shape)
      .to({ dtype: "float32" })
      .mul(2 ** -23)
      .add(1.3),
  "as large as is taken": (shape) => randn(shape).clamp(-1, 1).mul(1e30),
  "far below zero": (shape) => randn(shape).mul(10).sub(1000),
  "with a winner in most places": ([n, c, h, w]) =>
    randn([n, c, 2, 2])
      .mul(5)
      .resize([h, w], { alignCorners: true })
      .add(randn([n, c, h, w]).mul(0.1)),
};

test.each(Object.keys(kinds))("logits %s give the labels that a look at every class at every pixel gives", (kind) => {
  manualSeed(7);
  for (const { grid, size, crop = size } of sizes) {
    for (const count of classes) {
      for (const alignCorners of rules) {
        scope(() => {
          const logits = kinds[kind]([2, count, ...grid]);
          // Where a logit is infinite, in whichever image, no class is left out beforehand.
          const infinite = full([1, count, ...grid], Number.POSITIVE_INFINITY);
          const expected = logits.cat([infinite], 0).upsampledArgmax(size, crop, { alignCorners }).narrow(0, 0, 2);
          const found = logits.upsampledArgmax(size, crop, { alignCorners });
          expect(found.equal(expected), `${count} classes, ${grid} to ${size}, ${alignCorners}`).toBe(true);
        });
      }
    }
  }
});

test("labels do not depend on the order in which the logits lie in memory, nor on which images are beside them", () => {
  scope(() => {
    manualSeed(8);
    const logits = randn([3, 37, 5, 6]);
    const options = { alignCorners: true };
    const planar = logits.upsampledArgmax([41, 47], [41, 47], options);
    const interleaved = logits.contiguous("channelsLast");
    expect(interleaved.upsampledArgmax([41, 47], [41, 47], options).equal(planar)).toBe(true);
    for (let i = 0; i < 3; i++) {
      const one = logits.narrow(0, i, 1).upsampledArgmax([41, 47], [41, 47], options);
      expect(one.equal(planar.narrow(0, i, 1))).toBe(true);
    }
    expect(logits.narrow(0, 0, 0).upsampledArgmax([41, 47], [41, 47], options).shape).toEqual([0, 41, 47]);
  });
});
