/** Losses of enlarged logits, and their gradients, against PyTorch's and segmentation_models_pytorch's: `scripts/golden/make_loss_golden.py`. */
import { readFileSync } from "node:fs";
import { readSafetensors } from "@pspnet/core";
import { liveTensors, randn, scope, type Tensor, tensor, zeros } from "@pspnet/torch";
import { describe, expect, test } from "vitest";

interface Case {
  readonly labelSmoothing?: number;
  readonly ohemThreshold?: number;
  readonly ohemKept?: number;
  readonly weighted?: true;
  readonly dice?: true;
}

const { tensors, metadata } = readSafetensors(readFileSync(new URL("golden/losses.safetensors", import.meta.url)));
const cases: Readonly<Record<string, Case>> = JSON.parse(metadata.cases);
const stored = (name: string) => {
  const { bytes, shape } = tensors.get(name)!;
  return tensor(new Float64Array(Uint8Array.from(bytes).buffer), shape);
};
const labels = () => tensor(new Uint8Array(tensors.get("labels")!.bytes), tensors.get("labels")!.shape);

const recorded = Object.entries(cases).flatMap(([name, options]) =>
  [true, false].map((alignCorners) => ({ name, alignCorners, options })),
);

describe.each([
  ["float64", 1e-6],
  ["float32", 1e-5],
] as const)("in %s, within %f", (dtype, tolerance) => {
  test.each(recorded)("$name, alignCorners $alignCorners", ({ name, alignCorners, options }) => {
    const before = liveTensors();
    scope(() => {
      const x = stored("logits").to({ dtype });
      x.requiresGrad = true;
      const { weighted, dice, ...told } = options;
      const weight = weighted ? stored("weight").to({ dtype }) : null;
      const loss = dice
        ? x.upsampledDice(labels(), { alignCorners })
        : x.upsampledCrossEntropy(labels(), { alignCorners, weight, ...told });
      loss.mul(1.5).backward();
      const recordedName = `${name}, ${alignCorners ? "True" : "False"}`;
      const expected = stored(`${recordedName}.loss`).item();
      expect(Math.abs(loss.item() - expected)).toBeLessThan(tolerance * expected);
      const gradient = stored(`${recordedName}.gradient`).mul(1.5);
      const difference = (x.grad as Tensor).to({ dtype: "float64" }).sub(gradient).abs().max().item();
      expect(difference).toBeLessThan(tolerance * gradient.abs().max().item());
    });
    expect(liveTensors()).toBe(before);
  });
});

test("hard pixels are chosen among those with a class, and there is one at least", () => {
  scope(() => {
    const none = zeros([1, 9, 9], { dtype: "uint8" }).add(255).to({ dtype: "uint8" });
    // Every pixel is right for sure: as hard as the hardest are all of them.
    const certain = tensor(Float32Array.of(500, 0), [1, 2, 1, 1]);
    const right = zeros([1, 9, 9], { dtype: "uint8" });
    for (const dtype of ["float32", "float64"] as const) {
      const options = { alignCorners: true, ohemThreshold: 0.7, ohemKept: 0.1 };
      expect(randn([1, 4, 3, 3]).to({ dtype }).upsampledCrossEntropy(none, options).item()).toBeNaN();
      expect(certain.to({ dtype }).upsampledCrossEntropy(right, options).item()).toBeCloseTo(0, 6);
      expect(randn([1, 4, 3, 3]).to({ dtype }).upsampledDice(none, { alignCorners: true }).item()).toBe(0);
    }
  });
});

test("options beyond their range, and labels that are no class, are errors", () => {
  scope(() => {
    const x = randn([1, 4, 3, 3]);
    const label = (id: number) => tensor(new Uint8Array(81).fill(id), [1, 9, 9]);
    const options = { alignCorners: true };
    const loss = (more: Case) => () => x.upsampledCrossEntropy(label(0), { ...options, ...more });
    expect(loss({ labelSmoothing: 1.1 })).toThrow(/labelSmoothing from 0 to 1, found 1\.1/);
    expect(loss({ ohemThreshold: -1 })).toThrow(/ohemThreshold from 0 to 1, found -1/);
    expect(loss({ ohemKept: Number.NaN })).toThrow(/ohemKept/);
    for (const dtype of ["float32", "float64"] as const)
      expect(() => x.to({ dtype }).upsampledDice(label(4), options)).toThrow(/label 4 is not below the 4 classes/);
    expect(() => x.upsampledDice(label(0).expand(2, 9, 9), options)).toThrow(/expected logits/);
  });
});
