import { readFile } from "node:fs/promises";
import { readSafetensors } from "@pspnet/core";
import { randn, scope, tensor } from "@pspnet/torch";
import { expect, test } from "vitest";

/** What TensorFlow's own `resize_bilinear` makes, recorded by scripts/golden/make_holyseven_golden.py. */
const { tensors } = readSafetensors(await readFile(new URL("fixtures/resizeBilinear.safetensors", import.meta.url)));
const cases = [...tensors.keys()].filter((name) => name.endsWith(".x")).map((name) => name.split(".")[0]);
const asymmetric = { alignCorners: "asymmetric" } as const;

function recorded(name: string) {
  const { shape, float32 } = tensors.get(name)!;
  return tensor(float32(), shape);
}

test.each(cases)("resize %s is TensorFlow 1's, gradient included, and so are the loss's and the argmax's", (i) => {
  scope(() => {
    const [x, y, dx, dy] = ["x", "y", "dx", "dy"].map((name) => recorded(`${i}.${name}`));
    const size = y.shape.slice(2) as [number, number];
    for (const dtype of ["float32", "float64"] as const) {
      const leaf = x.detach().to({ dtype });
      leaf.requiresGrad = true;
      const found = leaf.resize(size, asymmetric);
      expect(found.dtype).toBe(dtype);
      expect(found.sub(y).abs().max().item()).toBeLessThan(1e-5);
      found.mul(dy).sum().backward();
      expect(leaf.grad!.sub(dx).abs().max().item()).toBeLessThan(1e-5 * dx.abs().max().item());
    }
    const best = y.amax(1);
    for (const logits of [x, x.to({ dtype: "float64" })]) {
      const labels = logits.upsampledArgmax(size, size, asymmetric).to({ dtype: "int64" }).unsqueeze(1);
      expect(best.sub(y.gather(1, labels).squeeze(1)).abs().max().item()).toBeLessThan(1e-5);
    }
    const labels = y.argmax(1);
    const expected = y.crossEntropy(labels).item();
    expect(x.upsampledCrossEntropy(labels.to({ dtype: "uint8" }), asymmetric).item()).toBeCloseTo(expected, 5);
  });
});

test("what is no map of floats is refused, and so is another rule", () => {
  expect(() => randn([3, 4]).resize([8, 8], asymmetric)).toThrow(/expected maps \[n, c, h, w\] of a float type/);
  const bytes = tensor([1, 2, 3, 4], [1, 1, 2, 2]).to({ dtype: "uint8" });
  expect(() => bytes.resize([8, 8], asymmetric)).toThrow(/expected maps \[n, c, h, w\] of a float type/);
  const other = { alignCorners: "symmetric" as "asymmetric" };
  expect(() => randn([1, 1, 2, 2]).resize([8, 8], other)).toThrow(/alignCorners: expected true, false or asymmetric/);
});
