import { scope, type Tensor, tensor } from "@pspnet/torch";
import type { GradientSum, World } from "pspnet";

/** Ranks of one process, which wait for each other. */
export function ranks(size: number): World[] {
  let here: { readonly values: Tensor | null; readonly go: () => void }[] = [];
  const meet = (values: Tensor | null) =>
    new Promise<void>((go) => {
      here.push({ values, go });
      if (here.length < size) return;
      const all = here;
      here = [];
      const arrays = all.map((one) => (one.values?.toArray() ?? []) as Float64Array);
      const total = Float64Array.from(arrays[0], (_, i) => arrays.reduce((sum, array) => sum + array[i], 0));
      for (const one of all) {
        one.values?.copy_(tensor(total, one.values.shape));
        one.go();
      }
    });
  const gradients = (parameters: readonly Tensor[]): GradientSum => ({
    begin() {},
    async finish() {
      for (const parameter of parameters) {
        await scope(async () => {
          parameter.grad ??= parameter.zerosLike();
          await meet(parameter.grad as Tensor);
        });
      }
    },
    dispose() {},
  });
  const apart = { sum: meet, barrier: () => meet(null), gradients, sharing: <R>(work: () => R) => work() };
  return Array.from({ length: size }, (_, rank) => ({ rank, size, ...apart }));
}
