import type { AlignCorners } from "@pspnet/core";
import { manualSeed, randint, randn, scope, type Tensor, tensor, zeros } from "@pspnet/torch";
import { describe, expect, test } from "vitest";

interface Case {
  readonly logits: readonly [n: number, c: number, h: number, w: number];
  readonly size: readonly [number, number];
  readonly alignCorners: AlignCorners;
  readonly weighted?: boolean;
}

/** Loss and gradient of a loss function on the same logits. */
function lossAndGradient(logits: Tensor, loss: (logits: Tensor) => Tensor): { loss: number; gradient: Tensor } {
  const leaf = logits.detach().clone();
  leaf.requiresGrad = true;
  const value = loss(leaf);
  value.mul(1.5).backward();
  return { loss: value.item(), gradient: leaf.grad! };
}

/** Labels of which about a tenth are to be ignored. */
function labelsFor(shape: readonly number[], classes: number): Tensor {
  const ids = randint(0, classes, shape);
  return randint(0, 10, shape)
    .eq(0)
    .where(tensor([255], [1], { dtype: "int64" }), ids)
    .to({ dtype: "uint8" });
}

const cases: readonly Case[] = [
  { logits: [2, 150, 9, 11], size: [65, 81], alignCorners: true },
  { logits: [2, 19, 9, 11], size: [72, 88], alignCorners: false },
  { logits: [3, 16, 5, 4], size: [33, 25], alignCorners: true, weighted: true },
  { logits: [1, 2, 1, 1], size: [7, 5], alignCorners: true },
  { logits: [1, 3, 1, 6], size: [1, 41], alignCorners: false },
  { logits: [1, 7, 12, 10], size: [5, 3], alignCorners: true },
  { logits: [2, 19, 9, 11], size: [72, 88], alignCorners: "asymmetric" },
  { logits: [1, 7, 12, 10], size: [31, 7], alignCorners: "asymmetric", weighted: true },
];

describe("upsampledCrossEntropy equals upsampleBilinear2d and crossEntropy, gradient included", () => {
  test.each(cases)(
    "$logits to $size, alignCorners $alignCorners",
    ({ logits: shape, size, alignCorners, weighted }) => {
      scope(() => {
        manualSeed(7);
        const [n, c] = shape;
        const logits = randn(shape).mul(3).contiguous("channelsLast");
        const labels = labelsFor([n, ...size], c);
        const weight = weighted
          ? tensor(
              Float32Array.from({ length: c }, (_, id) => 0.5 + id / c),
              [c],
            )
          : null;
        const ours = lossAndGradient(logits, (x) => x.upsampledCrossEntropy(labels, { alignCorners, weight }));
        const plain = lossAndGradient(logits, (x) =>
          x.resize(size, { alignCorners }).crossEntropy(labels.to({ dtype: "int64" }), { weight, ignoreIndex: 255 }),
        );
        expect(Math.abs(ours.loss - plain.loss)).toBeLessThan(1e-5 * plain.loss);
        const scale = plain.gradient.abs().max().item();
        expect(ours.gradient.sub(plain.gradient).abs().max().item()).toBeLessThan(1e-5 * scale);
        // By the operations, in bands of rows, that a GPU computes it by.
        const bands = lossAndGradient(logits.to({ dtype: "float64" }), (x) =>
          x.upsampledCrossEntropy(labels, { alignCorners, weight }),
        );
        expect(bands.gradient.dtype).toBe("float64");
        expect(Math.abs(bands.loss - plain.loss)).toBeLessThan(1e-5 * plain.loss);
        expect(bands.gradient.sub(plain.gradient).abs().max().item()).toBeLessThan(1e-5 * scale);
      });
    },
  );

  test("bfloat16 logits give a bfloat16 gradient", () => {
    scope(() => {
      const logits = randn([1, 4, 3, 3]).to({ dtype: "bfloat16" });
      const { gradient } = lossAndGradient(logits, (x) =>
        x.upsampledCrossEntropy(labelsFor([1, 9, 9], 4), { alignCorners: true }),
      );
      expect(gradient.dtype).toBe("bfloat16");
    });
  });
});

test("enlarged maps beyond what is made at once come in several bands, with the same loss, gradient and labels", () => {
  scope(() => {
    manualSeed(3);
    // 40 x 320 x 512 elements: more than the 2^22 of one band.
    const size = [320, 512] as const;
    const logits = randn([1, 40, 5, 9]);
    const labels = labelsFor([1, ...size], 40);
    const kernel = lossAndGradient(logits, (x) => x.upsampledCrossEntropy(labels, { alignCorners: true }));
    const double = logits.to({ dtype: "float64" });
    const bands = lossAndGradient(double, (x) => x.upsampledCrossEntropy(labels, { alignCorners: true }));
    expect(Math.abs(bands.loss - kernel.loss)).toBeLessThan(1e-5 * kernel.loss);
    expect(bands.gradient.sub(kernel.gradient).abs().max().item()).toBeLessThan(
      1e-5 * kernel.gradient.abs().max().item(),
    );
    const [ours, others] = [logits, double].map((x) => x.upsampledArgmax(size, [300, 500], { alignCorners: true }));
    expect(ours.ne(others).to({ dtype: "float32" }).mean().item()).toBeLessThan(1e-4);
  });
});

test("only the index itself is ignored: -100 and 256 are no label's", () => {
  scope(() => {
    for (const dtype of ["float32", "float64"] as const) {
      const logits = randn([1, 200, 3, 3]).to({ dtype });
      const labels = tensor(
        Uint8Array.from({ length: 81 }, (_, i) => [0, 156][i % 2]),
        [1, 9, 9],
      );
      const loss = (ignoreIndex: number) =>
        logits.upsampledCrossEntropy(labels, { alignCorners: true, ignoreIndex }).item();
      expect(loss(-100)).toBe(loss(255));
      expect(loss(256)).toBe(loss(255));
      expect(loss(156)).not.toBe(loss(255));
    }
  });
});

test("sizes of 0, and operands that are elsewhere, are errors", () => {
  scope(() => {
    const options = { alignCorners: true };
    const labels = zeros([1, 9, 9], { dtype: "uint8" });
    const loss = (shape: number[], target: Tensor) => () => randn(shape).upsampledCrossEntropy(target, options);
    expect(loss([1, 4, 0, 8], labels)).toThrow(/with classes and pixels/);
    expect(loss([1, 4, 8, 0], labels)).toThrow(/with classes and pixels/);
    expect(loss([1, 0, 8, 8], labels)).toThrow(/with classes and pixels/);
    expect(loss([1, 4, 8, 8], zeros([1, 0, 9], { dtype: "uint8" }))).toThrow(/\[n, H, W\] with pixels/);
    expect(() => randn([1, 4, 0, 8]).upsampledArgmax([9, 9], [9, 9], options)).toThrow(/with classes and pixels/);
    expect(() => randn([1, 4, 3, 3]).upsampledArgmax([0, 9], [0, 9], options)).toThrow(
      /a height and a width from 1 up/,
    );
    // Tensors without memory stand for those of a GPU.
    const meta = { device: "meta" };
    const logits = randn([1, 4, 3, 3]);
    const elsewhere = /Expected all tensors to be on the same device/;
    expect(() => logits.upsampledCrossEntropy(zeros([1, 9, 9], { dtype: "uint8", ...meta }), options)).toThrow(
      elsewhere,
    );
    expect(() => logits.upsampledCrossEntropy(labels, { ...options, weight: zeros([4], meta) })).toThrow(elsewhere);
  });
});

test("upsampledCrossEntropy refuses labels that are no class, and shapes that do not fit", () => {
  scope(() => {
    const logits = randn([1, 4, 3, 3]);
    const label = (id: number) => tensor(new Uint8Array(81).fill(id), [1, 9, 9]);
    for (const x of [logits, logits.to({ dtype: "float64" })])
      expect(() => x.upsampledCrossEntropy(label(4), { alignCorners: true })).toThrow(
        /label 4 is not below the 4 classes/,
      );
    expect(() => logits.upsampledCrossEntropy(label(0).expand(2, 9, 9), { alignCorners: true })).toThrow(
      /expected logits/,
    );
    expect(logits.upsampledCrossEntropy(label(255), { alignCorners: true }).item()).toBeNaN();
  });
});
