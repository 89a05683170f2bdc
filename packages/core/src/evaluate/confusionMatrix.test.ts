import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConfusionMatrix, headline } from "./confusionMatrix.js";

const bytes = (...values: number[]) => Uint8Array.from(values);

/** Metrics by the official release's `intersectionAndUnion` and `cal_acc`: histograms of the ids. */
function official(prediction: Uint8Array, target: Uint8Array, classes: number) {
  const ids = Array.from({ length: classes }, (_, id) => id);
  const output = prediction.map((id, i) => (target[i] === 255 ? 255 : id));
  const count = (values: Uint8Array, id: number) => values.filter((value) => value === id).length;
  const hits = ids.map((id) =>
    count(
      output.filter((value, i) => value === target[i]),
      id,
    ),
  );
  const truth = ids.map((id) => count(target, id));
  const union = ids.map((id) => count(output, id) + truth[id] - hits[id]);
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  return {
    meanIoU: sum(ids.map((id) => hits[id] / (union[id] + 1e-10))) / classes,
    meanAccuracy: sum(ids.map((id) => hits[id] / (truth[id] + 1e-10))) / classes,
    pixelAccuracy: sum(hits) / (sum(truth) + 1e-10),
  };
}

describe("ConfusionMatrix", () => {
  it("scores a small case by hand", () => {
    const { classes, ...scores } = new ConfusionMatrix(3)
      .add(bytes(0, 0, 1, 1, 1, 0), bytes(0, 1, 1, 1, 255, 0))
      .scores();
    expect(scores.pixelAccuracy).toBeCloseTo(4 / 5, 9);
    expect(classes.map(({ iou }) => iou)).toEqual([expect.closeTo(2 / 3, 9), expect.closeTo(2 / 3, 9), 0]);
    expect(classes.map(({ pixels, present }) => [pixels, present])).toEqual([
      [2, true],
      [3, true],
      [0, false],
    ]);
    expect(scores.meanIoU).toBeCloseTo(4 / 9, 9);
    expect(scores.meanIoUPresent).toBeCloseTo(2 / 3, 9);
    expect(scores.meanAccuracyPresent).toBeCloseTo((1 + 2 / 3) / 2, 9);
  });

  it("equals the official release's metrics, in one part or in many", () => {
    const pixels = fc.array(fc.tuple(fc.nat(3), fc.oneof(fc.nat(3), fc.constant(255))), {
      minLength: 1,
      maxLength: 60,
    });
    fc.assert(
      fc.property(pixels, fc.nat(60), (pairs, cut) => {
        const prediction = Uint8Array.from(pairs, ([guess]) => guess);
        const target = Uint8Array.from(pairs, ([, truth]) => truth);
        const expected = official(prediction, target, 4);
        const parts = new ConfusionMatrix(4).add(prediction.subarray(cut), target.subarray(cut));
        parts.merge(new ConfusionMatrix(4).add(prediction.subarray(0, cut), target.subarray(0, cut)));
        const { classes: _, meanIoUPresent, meanAccuracyPresent, ...scores } = parts.scores();
        for (const [name, value] of Object.entries(expected)) {
          expect(scores[name as keyof typeof scores]).toBeCloseTo(value, 12);
        }
        expect(meanIoUPresent).toBeGreaterThanOrEqual(scores.meanIoU);
        expect(meanAccuracyPresent).toBeGreaterThanOrEqual(scores.meanAccuracy);
      }),
    );
  });

  it("has mmsegmentation's means: numpy's nanmean of intersect / union and of intersect / label", () => {
    // Class 1 is predicted alone, class 3 is nowhere.
    const scores = new ConfusionMatrix(4).add(bytes(0, 0, 1, 2), bytes(0, 0, 0, 2)).scores();
    expect(scores.meanIoUPresent).toBeCloseTo((2 / 3 + 0 + 1) / 3, 9);
    expect(scores.meanAccuracyPresent).toBeCloseTo((2 / 3 + 1) / 2, 9);
    const present = headline(scores, "present");
    expect(present).toMatchObject({ meanIoU: scores.meanIoUPresent, meanAccuracy: scores.meanAccuracyPresent });
    expect(present.score).toBeCloseTo((scores.meanIoUPresent + 3 / 4) / 2, 9);
    const all = headline(scores, "all");
    expect(all).toMatchObject({ meanIoU: scores.meanIoU, meanAccuracy: scores.meanAccuracy });
    expect(all.pixelAccuracy).toBeCloseTo(3 / 4, 9);
    expect(all.score).toBeCloseTo((scores.meanIoU + 3 / 4) / 2, 9);
  });

  it("goes through JSON and back", () => {
    const matrix = new ConfusionMatrix(2).add(bytes(0, 1, 1), bytes(0, 0, 1));
    const { classes, counts } = JSON.parse(JSON.stringify(matrix)) as { classes: number; counts: number[] };
    expect(new ConfusionMatrix(classes, counts).scores()).toEqual(matrix.scores());
  });

  it("scores nothing as 0", () => {
    expect(new ConfusionMatrix(2).scores()).toMatchObject({ pixelAccuracy: 0, meanIoU: 0, meanIoUPresent: 0 });
  });

  it("refuses what cannot be counted, and counts none of it", () => {
    const matrix = new ConfusionMatrix(2);
    expect(() => matrix.add(bytes(0), bytes(0, 1))).toThrow(
      "expected as many predicted as labelled pixels, found 1 and 2",
    );
    expect(() => matrix.add(bytes(0, 0), bytes(0, 200))).toThrow(
      "label id 200 is not one of 2 classes; map other ids to 255",
    );
    expect(() => matrix.add(bytes(0, 7), bytes(0, 1))).toThrow("predicted id 7 is not one of 2 classes");
    expect(() => matrix.add(bytes(7), bytes(255))).not.toThrow();
    expect(() => matrix.merge(new ConfusionMatrix(3))).toThrow("expected 2 classes, found 3");
    expect(() => new ConfusionMatrix(2, [1])).toThrow("expected 4 counts, found 1");
    expect([...matrix.counts]).toEqual([0, 0, 0, 0]);
  });
});
