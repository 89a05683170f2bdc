import { manualSeed, randint, randn, scope, type Tensor, tensor } from "@pspnet/torch";
import { describe, expect, test } from "vitest";

interface Case {
  readonly logits: readonly [n: number, c: number, h: number, w: number];
  readonly size: readonly [number, number];
  readonly alignCorners: boolean;
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

test("upsampledCrossEntropy refuses labels that are no class, and shapes that do not fit", () => {
  scope(() => {
    const logits = randn([1, 4, 3, 3]);
    const label = (id: number) => tensor(new Uint8Array(81).fill(id), [1, 9, 9]);
    expect(() => logits.upsampledCrossEntropy(label(4), { alignCorners: true })).toThrow(
      /label 4 is not below the 4 classes/,
    );
    expect(() => logits.upsampledCrossEntropy(label(0).expand(2, 9, 9), { alignCorners: true })).toThrow(
      /expected logits/,
    );
    expect(logits.upsampledCrossEntropy(label(255), { alignCorners: true }).item()).toBeNaN();
  });
});
