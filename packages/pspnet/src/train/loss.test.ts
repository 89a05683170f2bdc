import { manualSeed, randn, scope, tensor } from "@pspnet/torch";
import { expect, test } from "vitest";
import { segmentationLoss } from "./loss.js";

test("the auxiliary head's loss is made as the other's: smoothed, of hard pixels, with Dice", () => {
  scope(() => {
    manualSeed(2);
    const [out, aux] = [randn([2, 3, 3, 4]), randn([2, 3, 3, 4])];
    const labels = tensor(
      Uint8Array.from({ length: 850 }, (_, i) => (i % 7 === 0 ? 255 : i % 3)),
      [2, 17, 25],
    );
    const options = { alignCorners: true, auxWeight: 0.4, classWeights: null };
    const loss = (more: Partial<Parameters<typeof segmentationLoss>[2]>) =>
      segmentationLoss({ out, aux }, labels, { ...options, ...more }).item();
    const both = (of: (x: typeof out) => number) => of(out) + 0.4 * of(aux);
    const told = { labelSmoothing: 0.1, ohemThreshold: 0.3, ohemKept: 0.1 };
    const plain = { alignCorners: true };
    expect(loss({})).toBeCloseTo(
      both((x) => x.upsampledCrossEntropy(labels, plain).item()),
      5,
    );
    expect(loss({ labelSmoothing: 0.1, ohem: 0.3, ohemKept: 0.1, dice: 2 })).toBeCloseTo(
      both(
        (x) =>
          x.upsampledCrossEntropy(labels, { ...plain, ...told }).item() + 2 * x.upsampledDice(labels, plain).item(),
      ),
      5,
    );
  });
});
