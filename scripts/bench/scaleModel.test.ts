import { describe, expect, it } from "vitest";
import {
  allReduceSeconds,
  bucketsOf,
  type Network,
  predictStep,
  ringBytes,
  type StepProfile,
  scaled,
} from "./scaleModel.js";

/** 10 ms of compute, of which backward has two buckets at 6 and at 10; 1 ms of optimiser. */
const profile: StepProfile = {
  seconds: 0.011,
  computed: 0.01,
  buckets: [
    { bytes: 1000, ready: 0.006 },
    { bytes: 2000, ready: 0.01 },
  ],
  sums: 0,
};
/** 1 byte a microsecond. */
const slow: Network = { algorithms: ["ring"], latency: 0, bandwidth: 1e6 };

describe("an all-reduce", () => {
  it("costs nothing of one rank", () => expect(allReduceSeconds(1e6, 1, slow)).toBe(0));

  it("sends what a ring sends: twice all parts but one", () => {
    expect(ringBytes(1000, 2)).toBe(1000);
    expect(ringBytes(1000, 4)).toBe(1500);
    expect(allReduceSeconds(1e6, 4, slow)).toBeCloseTo(1.5);
  });

  it("takes 2 (p - 1) messages round a ring, and 2 log2(p) up and down a tree", () => {
    const far: Network = { algorithms: ["ring"], latency: 0.001, bandwidth: Number.POSITIVE_INFINITY };
    expect(allReduceSeconds(8, 16, far)).toBeCloseTo(0.03);
    expect(allReduceSeconds(8, 16, { ...far, algorithms: ["ring", "tree"] })).toBeCloseTo(0.008);
    expect(allReduceSeconds(1e6, 16, { ...far, bulkLatency: 0.002 })).toBeCloseTo(0.06);
    expect(allReduceSeconds(8, 16, { ...far, overhead: 0.01 })).toBeCloseTo(0.04);
  });
});

describe("a step", () => {
  it("is as alone on a network that costs nothing", () => {
    const free = { ...slow, bandwidth: Number.POSITIVE_INFINITY };
    const { seconds, efficiency } = predictStep(profile, free, { ranks: 8 });
    expect([seconds, efficiency]).toEqual([expect.closeTo(0.011), expect.closeTo(1)]);
  });

  it("waits for what backward leaves no time for", () => {
    const { seconds, sending, overlapped, bytes } = predictStep(profile, slow, { ranks: 2 });
    // 1 ms of the first bucket while backward goes on, 2 ms of the second after it.
    expect(seconds).toBeCloseTo(0.013);
    expect(sending).toBeCloseTo(0.003);
    expect(overlapped).toBeCloseTo(0.001);
    expect(bytes).toBe(3000);
  });

  it("sends one bucket after the other", () => {
    const { seconds, overlapped } = predictStep(profile, { ...slow, bandwidth: 1e5 }, { ranks: 2 });
    // 10 ms from 6 on, then 20.
    expect(seconds).toBeCloseTo(0.037);
    expect(overlapped).toBeCloseTo(0.004);
  });

  it("waits for each sum of batch norm", () => {
    const far = { ...slow, bandwidth: Number.POSITIVE_INFINITY, latency: 1e-5, sum: (ranks: number) => ranks * 1e-5 };
    const normed = { ...profile, sums: 100 };
    const { summing, seconds } = predictStep(normed, far, { ranks: 4 });
    expect(summing).toBeCloseTo(100 * 4 * 1e-5);
    expect(seconds).toBeCloseTo(0.011 + 0.004 + 6e-5, 6);
    expect(predictStep(normed, far, { ranks: 4, normalised: 1 }).summing).toBe(0);
    const hierarchy = { ranks: 16, perMachine: 8, inside: { ...far, sum: () => 1e-5 } };
    expect(predictStep(normed, far, hierarchy).summing).toBeCloseTo(100 * (1e-5 + 2e-5));
  });

  it("stands still while batch norm waits behind a bucket", () => {
    // The first bucket's 1 ms too, and the second's 2.
    expect(predictStep({ ...profile, sums: 1 }, slow, { ranks: 2 }).seconds).toBeCloseTo(0.014 + 0.008192, 6);
    expect(predictStep({ ...profile, sums: 1 }, slow, { ranks: 2, normalised: 1 }).seconds).toBeCloseTo(0.013);
    const beside = { ...slow, sum: () => 0.008192 };
    expect(predictStep({ ...profile, sums: 1 }, beside, { ranks: 2 }).seconds).toBeLessThan(0.014 + 0.008);
  });

  it("is slower by what sending takes of the processor, as long as backward goes on", () => {
    const { seconds } = predictStep(profile, { ...slow, processor: 5e-7 }, { ranks: 2 });
    expect(seconds).toBeCloseTo(0.0135);
  });

  it("goes to the network once a machine in a hierarchy", () => {
    const far: Network = { algorithms: ["ring"], latency: 1e-3, bandwidth: Number.POSITIVE_INFINITY };
    const inside = { ...far, latency: 0 };
    const flat = predictStep(profile, far, { ranks: 16 });
    const two = predictStep(profile, far, { ranks: 16, perMachine: 8, inside });
    expect(flat.sending).toBeCloseTo(2 * 30e-3);
    expect(two.sending).toBeCloseTo(2 * 2e-3);
  });
});

it("buckets are full from their size on, and ready with their last gradient", () => {
  const gradients = [3, 4, 5, 6].map((bytes, i) => ({ bytes, ready: i }));
  expect(bucketsOf(gradients, 7)).toEqual([
    { bytes: 7, ready: 1 },
    { bytes: 11, ready: 3 },
  ]);
  expect(bucketsOf(gradients, 1)).toEqual(gradients);
});

it("a slower machine has its gradients later", () => {
  expect(scaled(profile, 2)).toMatchObject({ seconds: 0.022, computed: 0.02, buckets: [{ ready: 0.012 }, {}] });
});
