import { type Backend, initialise, type NetworkFields, PSPNet, type PSPNetConfig, pspnetConfig } from "@pspnet/core";
import { manualSeed, randn, scope, type Tensor, tensor } from "@pspnet/torch";
import { describe, expect, test } from "vitest";

/** DESIGN: the factorised head equals the paper's form beyond float32, so both are computed in float64. */
const float64: Backend<Tensor> = { tensor: (data, shape) => tensor(data, shape, { dtype: "float64" }) };

const SIZES = [
  [1, 1],
  [5, 7],
  [29, 37],
  [60, 60],
  [90, 90],
] as const;

const FORMS: NetworkFields[] = [
  { bins: [1, 2, 3, 6] },
  { bins: [1] },
  { bins: [2, 4] },
  { bins: [1, 2, 3, 6], alignCorners: false },
  { bins: [1], alignCorners: false },
  { bins: [2, 4], alignCorners: false },
  { bins: [1, 2, 3, 6], alignCorners: "asymmetric" },
  { bins: [1, 3], pool: "max", reduction: false, concatOrder: "descending" },
  { pyramid: { features: "last", channels: 3, norm: "above1", bias: "unnormalised" }, head: { bias: true } },
  { pyramid: { features: "last", channels: 16, norm: "none", relu: false }, head: { kind: "conv1x1", norm: false } },
  { pyramid: { bias: "all", concatOrder: "descending" }, head: { kind: "conv1x1", bias: true, classifierKernel: 3 } },
];

/** Head and pyramid of a small network, in evaluation: `factorised` is what its `forward` runs, the other the paper's form. */
function run(config: PSPNetConfig, [h, w]: readonly [number, number], factorised: boolean): Map<string, Tensor> {
  const { ppm, cls } = new PSPNet(config).eval();
  for (const module of [ppm!, cls]) initialise(module, float64, { seed: 1 });
  manualSeed(1);
  const x = randn([2, 16, h, w], { dtype: "float64" });
  const direction = randn([2, config.classes, h, w], { dtype: "float64" });
  const leaves = new Map<string, Tensor>([["x", x]]);
  for (const [part, module] of Object.entries({ ppm: ppm!, cls })) {
    for (const [name, parameter] of module.namedParameters()) leaves.set(`${part}.${name}`, parameter.as<Tensor>());
  }
  for (const leaf of leaves.values()) leaf.requiresGrad = true;
  const out = factorised ? cls.predict(x, ppm!) : cls.forward(ppm!.forward(x));
  out.mul(direction).sum().backward();
  return new Map([["out", out.detach()], ...[...leaves].map(([name, leaf]) => [name, leaf.grad!] as const)]);
}

describe.each(FORMS)("the factorised head with %j", (form) => {
  test.each(SIZES)("equals the concatenation within 1e-12 on %ix%i features, gradients too", (h, w) => {
    scope(() => {
      const config = pspnetConfig({ classes: 5, layers: 18, width: 2, head: { channels: 6 }, aux: false, ...form });
      const direct = run(config, [h, w], false);
      for (const [name, found] of run(config, [h, w], true)) {
        const expected = direct.get(name)!;
        const error = found.sub(expected).abs().max().item() / Math.max(1, expected.abs().max().item());
        expect(error, name).toBeLessThan(1e-12);
      }
    });
  });
});
