import { BatchNorm2d, initialise, PSPNet, pspnetConfig } from "@pspnet/core";
import { backend, type Tensor } from "@pspnet/torch";
import { describe, expect, test } from "vitest";
import { createOptimiser, setLearningRate } from "../src/train/optimiser.js";
import { trainStep } from "../src/train/step.js";

const CLASSES = 3;
const [N, SIZE] = [4, 33];

interface Changes {
  readonly accumulate?: number;
  readonly checkpoint?: boolean;
  readonly precision?: "fp32" | "bf16";
  readonly layers?: 18 | 50;
  /** With batch norm and dropout as in training: parts of a batch see different networks then. */
  readonly whole?: boolean;
  readonly classWeights?: readonly number[];
  readonly lr?: number;
  readonly clipGradients?: number;
}

/** One step of a small network with frozen batch norm and no dropout, by which every part of a batch sees the same network. */
async function step(changes: Changes) {
  const { layers = 18, whole = false } = changes;
  const dropout = whole ? 0.1 : 0;
  const model = new PSPNet(
    pspnetConfig({ classes: CLASSES, layers, width: 4, headChannels: 8, auxChannels: 8, dropout }),
  );
  initialise(model, backend(), { seed: 3 });
  for (const [, module] of model.modules()) if (module instanceof BatchNorm2d) module.frozen = !whole;
  const optimiser = createOptimiser(model, { lr: 1, momentum: 0.9, weightDecay: 1e-4 });
  setLearningRate(optimiser, changes.lr ?? 0.01, { headLrFactor: 10 });
  const before = values(model);
  const loss = await trainStep(model, optimiser, batch(), {
    device: "cpu",
    precision: changes.precision ?? "fp32",
    accumulate: changes.accumulate ?? 1,
    checkpoint: changes.checkpoint ?? false,
    auxWeight: 0.4,
    classWeights: changes.classWeights ?? null,
    clipGradients: changes.clipGradients ?? null,
    seed: 0,
  });
  return { loss, before, after: values(model) };
}

/** Labels of class 0 and 1; the first half of the images is mostly ignored. */
function batch() {
  const pixels = N * SIZE * SIZE;
  const ignored = (i: number) => i < pixels / 2 && i % 10 !== 0;
  return {
    images: Float32Array.from({ length: 3 * pixels }, (_, i) => Math.sin(0.37 * i)),
    labels: Uint8Array.from({ length: pixels }, (_, i) => (ignored(i) ? 255 : Math.floor(i / 500) % 2)),
    ids: [],
    shape: [N, SIZE, SIZE] as const,
    release: () => {},
  };
}

function values(model: PSPNet): Map<string, Float32Array> {
  return new Map(
    [...model.stateDict()].map(([name, parameter]) => [name, parameter.as<Tensor>().toArray() as Float32Array]),
  );
}

const distance = (a: Float32Array, b: Float32Array) => Math.hypot(...a.map((value, i) => value - b[i]));

describe("a training step", () => {
  test("is the same each time, bit for bit, on as many threads as compute", async () => {
    expect(await step({})).toEqual(await step({}));
  });

  test("is the same in one part and in several, however their labelled pixels are spread", async () => {
    const whole = await step({});
    const parts = await step({ accumulate: 4 });
    expect(parts.loss).toBeCloseTo(whole.loss, 5);
    for (const [name, value] of whole.after) {
      const moved = distance(value, whole.before.get(name)!);
      expect(distance(value, parts.after.get(name)!), name).toBeLessThanOrEqual(1e-3 * moved + 1e-7);
    }
  });

  test.each([18, 50] as const)(
    "of %i layers is the same with activations that are computed again, bit for bit",
    async (layers) => {
      for (const precision of ["fp32", "bf16"] as const) {
        const plain = await step({ layers, precision, whole: true });
        const again = await step({ layers, precision, whole: true, checkpoint: true });
        expect(again).toEqual(plain);
        expect(plain.after.get("layer4.1.bn1.running_mean")).not.toEqual(plain.before.get("layer4.1.bn1.running_mean"));
        const parts = { layers, precision, whole: true, accumulate: 2 };
        expect(await step({ ...parts, checkpoint: true })).toEqual(await step(parts));
      }
    },
  );

  test("moves the head ten times as far for its gradient, and frozen statistics not at all", async () => {
    const slow = await step({ lr: 0.001 });
    const fast = await step({ lr: 0.01 });
    for (const name of ["layer1.0.conv1.weight", "cls.4.weight"]) {
      const [near, far] = [slow, fast].map(({ before, after }) => distance(before.get(name)!, after.get(name)!));
      expect(far / near).toBeCloseTo(10, 1);
    }
    for (const [name, value] of fast.after)
      if (name.includes("running_")) expect(value, name).toEqual(fast.before.get(name));
  });

  test("counts a class by its weight: with all weight on one class the other has no say", async () => {
    const even = await step({});
    const onlyOne = await step({ classWeights: [0, 1, 1] });
    const scaled = await step({ classWeights: [0, 7, 7] });
    expect(Math.abs(onlyOne.loss - even.loss)).toBeGreaterThan(1e-3);
    expect(scaled.loss).toBeCloseTo(onlyOne.loss, 5);
  });

  test("goes no further than clipped gradients take it", async () => {
    const [free, clipped] = [await step({}), await step({ clipGradients: 1e-3 })];
    const moved = ({ before, after }: typeof free) => distance(after.get("cls.4.weight")!, before.get("cls.4.weight")!);
    expect(moved(clipped)).toBeLessThan(0.1 * moved(free));
    expect(clipped.loss).toBe(free.loss);
  });

  test("changes nothing when the loss is not finite", async () => {
    const { loss, before, after } = await step({ classWeights: [Number.POSITIVE_INFINITY, 1, 1] });
    expect(loss).not.toSatisfy(Number.isFinite);
    expect(after).toEqual(before);
  });
});
