import { describe, expect, it } from "vitest";
import {
  chooseBatch,
  chooseCache,
  chooseClassWeights,
  chooseCrop,
  chooseEpochs,
  chooseFreezeBn,
  chooseHeadLrFactor,
  chooseParts,
  chooseRate,
  chooseValidationCrop,
  chooseValidationEvery,
  chooseWarmup,
  chooseWorkers,
  cropsFor,
  stepsWithin,
  stepTime,
} from "./decisions.js";
import { shareOut } from "./measureStep.js";

const GB = 2 ** 30;
const cpu = { device: "cpu", memory: 16 * GB, cores: 2 } as const;
/** The next sides of 8n+1. */
const align = ({ height, width }: { readonly height: number; readonly width: number }) => ({
  height: Math.ceil((height - 1) / 8) * 8 + 1,
  width: Math.ceil((width - 1) / 8) * 8 + 1,
});

describe("batch", () => {
  it.each([
    [1, 1],
    [5, 5],
    [36, 8],
    [399, 8],
    [400, 16],
  ])("of %i photographs is %i", (training, batch) => {
    expect(chooseBatch({ training }, { accumulate: 1, ranks: 1 })[0]).toBe(batch);
  });

  it("has the parts that are given", () => {
    expect(chooseBatch({ training: 7 }, { accumulate: 2, ranks: 1 })[0]).toBe(6);
    expect(chooseBatch({ training: 500 }, { accumulate: 3, ranks: 1 })[0]).toBe(15);
    expect(chooseBatch({ training: 500 }, { accumulate: 2, ranks: 3 })[0]).toBe(12);
  });

  it("is split until half of the memory holds a part, and never on a GPU", () => {
    expect(chooseParts({ batch: 8, ranks: 1, bytes: 7 * GB }, cpu)[0]).toBe(1);
    expect(chooseParts({ batch: 8, ranks: 1, bytes: 9 * GB }, cpu)[0]).toBe(2);
    expect(chooseParts({ batch: 5, ranks: 1, bytes: 9 * GB }, cpu)[0]).toBe(5);
    expect(chooseParts({ batch: 8, ranks: 1, bytes: 1000 * GB }, cpu)[0]).toBe(8);
    expect(chooseParts({ batch: 6, ranks: 2, bytes: 9 * GB }, cpu)[0]).toBe(3);
    expect(chooseParts({ batch: 8, ranks: 1, bytes: 1000 * GB }, { ...cpu, device: "cuda" })[0]).toBe(1);
  });

  it("norm is frozen where few images are seen at a time and there is something to keep", () => {
    expect(chooseFreezeBn(8, { pretrained: true })[0]).toBe(false);
    expect(chooseFreezeBn(2, { pretrained: true })[0]).toBe("backbone");
    expect(chooseFreezeBn(2, { pretrained: false })[0]).toBe(false);
  });
});

describe("crop", () => {
  it("has the photograph's proportions, sides of 8n+1, and is no larger than it needs", () => {
    const crops = cropsFor({ height: 360, width: 480 }, align);
    expect(crops[0]).toEqual({ height: 361, width: 481 });
    for (const { height, width } of crops) {
      expect([height % 8, width % 8]).toEqual([1, 1]);
      expect(Math.abs(width / height - 4 / 3)).toBeLessThan(0.06);
    }
    expect(cropsFor({ height: 40, width: 52 }, align)).toEqual([{ height: 41, width: 57 }]);
    expect(cropsFor({ height: 3000, width: 4000 }, align)[0]).toEqual({ height: 617, width: 825 });
  });

  it("is the largest that leaves steps enough, else the smallest", () => {
    const crops = cropsFor({ height: 360, width: 480 }, align);
    const stepsAt = (crop: (typeof crops)[number]) =>
      stepsWithin(180, stepTime({ batch: 8, crop }, { secondsPerStep: 0, secondsPerPixel: 1 / 300_000 }));
    expect(chooseCrop(crops, { stepsAt, wanted: 10 })).toEqual(crops[0]);
    const chosen = chooseCrop(crops, { stepsAt, wanted: 100 });
    expect(stepsAt(chosen)).toBeGreaterThanOrEqual(100);
    expect(stepsAt(crops[crops.indexOf(chosen) - 1])).toBeLessThan(100);
    expect(chooseCrop(crops, { stepsAt, wanted: 1e6 })).toEqual(crops.at(-1));
    const least = chooseCrop(crops, { stepsAt, wanted: 1e6, smallest: 297 });
    expect(least.height * least.width).toBeGreaterThanOrEqual(297 ** 2);
    expect(least.height * least.width).toBeLessThan(1.1 * 297 ** 2);
    expect(chooseCrop(crops, { stepsAt, wanted: 1e6, smallest: 1000 })).toEqual(crops[0]);
  });
});

describe("a step", () => {
  it("takes what its weights and what its pixels take", () => {
    const cost = shareOut([1.2, 2], [100, 200]);
    expect(cost.secondsPerStep).toBeCloseTo(0.4);
    expect(cost.secondsPerPixel).toBeCloseTo(0.008);
    expect(stepTime({ batch: 4, crop: { height: 10, width: 20 } }, cost)).toBeCloseTo(0.4 + 0.008 * 800);
    expect(stepsWithin(100, 8.5)).toBe(10);
  });

  it("is told apart in noise too", () => {
    expect(shareOut([3, 2], [100, 200])).toEqual({ secondsPerPixel: 0.005, secondsPerStep: 1 });
    expect(shareOut([0.1, 2], [100, 200])).toEqual({ secondsPerPixel: 0.01, secondsPerStep: 0 });
  });
});

describe("learning", () => {
  it("of few steps from starting weights is at a fifth of the official rate, and rises with steps and batch", () => {
    const rate = (batch: number, steps: number) => chooseRate({ batch, steps }, { pretrained: true })[0];
    expect(rate(8, 80)).toBe(0.002);
    expect(rate(16, 80)).toBe(0.004);
    expect(rate(16, 30_000)).toBe(0.01);
    expect(rate(8, 1000)).toBe(0.004);
  });

  it("from nothing gives all parts one rate", () => {
    expect(chooseRate({ batch: 8, steps: 80 }, { pretrained: false })[0]).toBe(0.04);
    expect(chooseHeadLrFactor({ pretrained: false })[0]).toBe(1);
    expect(chooseHeadLrFactor({ pretrained: true })[0]).toBe(10);
  });

  it("begins with a tenth of the steps, 500 at most", () => {
    expect(chooseWarmup(80)[0]).toBe(8);
    expect(chooseWarmup(1)[0]).toBe(1);
    expect(chooseWarmup(90_000)[0]).toBe(500);
  });

  it("goes on for an hour without a budget, and for longer than the budget with one", () => {
    expect(chooseEpochs({ steps: 400, batches: 4, budget: null })[0]).toBe(100);
    expect(chooseEpochs({ steps: 400, batches: 4, budget: "3m" })[0]).toBe(300);
    expect(chooseEpochs({ steps: 0, batches: 4, budget: "3m" })[0]).toBe(1);
    expect(chooseEpochs({ steps: 1e9, batches: 400, budget: null })[0]).toBe(100);
  });
});

describe("class weights", () => {
  const weights = (shares: readonly number[], steps = 500) =>
    chooseClassWeights({ classes: ["a", "b"], shares }, { steps });

  it("are for data with rare classes; one that nothing shows is not rare", () => {
    expect(weights([0.9, 0.1])[0]).toBeNull();
    expect(weights([1, 0])[0]).toBeNull();
    expect(weights([0.98, 0.02])).toEqual(["enet", "rare: b 2.00 %"]);
  });

  it("are for runs of some length", () => {
    expect(weights([0.98, 0.02], 499)[0]).toBeNull();
  });
});

describe("upkeep", () => {
  it("keeps decoded photographs where they fit", () => {
    const data = { training: 200, size: { height: 1000, width: 1000 } };
    expect(chooseCache(data, 4 * GB)[0]).toBe("ram");
    expect(chooseCache(data, GB)[0]).toBe("none");
  });

  it("feeds a GPU by several threads", () => {
    expect(chooseWorkers(cpu)[0]).toBe(1);
    expect(chooseWorkers({ ...cpu, cores: 16 })[0]).toBe(2);
    expect(chooseWorkers({ device: "cuda", cores: 16 })[0]).toBe(8);
  });

  it("validates often, but for a tenth of the time at most", () => {
    const base = { step: 1, batches: 4, secondsPerPixel: 1e-6, pixels: 1e5 };
    expect(chooseValidationEvery({ ...base, epochs: 10 })[0]).toBe(1);
    expect(chooseValidationEvery({ ...base, epochs: 200 })[0]).toBe(10);
    expect(chooseValidationEvery({ ...base, epochs: 30, pixels: 9e6 })[0]).toBe(8);
    expect(chooseValidationEvery({ ...base, epochs: 1, pixels: 9e8 })[0]).toBe(750);
  });

  it("looks at large photographs window by window", () => {
    const crop = { height: 361, width: 481 };
    expect(chooseValidationCrop({ height: 720, width: 960 }, crop)[0]).toBeNull();
    expect(chooseValidationCrop({ height: 1080, width: 1920 }, crop)[0]).toEqual([361, 481]);
  });
});
