import type { PSPNet, State } from "@pspnet/core";
import { keep, noGrad, scope, type Tensor, tensor } from "@pspnet/torch";
import { tensorsOf } from "./network.js";

/**
 * An exponential moving average of a network's weights and running statistics: `average = d * average + (1 - d) * weights` after each step,
 * where `d` is the smaller of `decay` and `(1 + steps) / (10 + steps)`, so that the first weights are soon forgotten (TensorFlow's
 * `ExponentialMovingAverage` with `num_updates`).
 */
export class WeightAverage {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly #weights: ReadonlyMap<string, Tensor>;
  readonly #decay: number;

  /** @param options.from What a checkpoint kept; left out, the average begins with the weights as they are. */
  constructor(model: PSPNet, { decay, from }: { readonly decay: number; readonly from?: State }) {
    this.#decay = decay;
    this.#weights = tensorsOf(model);
    this.tensors = new Map(
      [...this.#weights].map(([name, weights]) => {
        const average = keep(noGrad(() => weights.zerosLike().copy_(weights)));
        const stored = from?.get(name);
        if (stored) scope(() => average.copy_(tensor(stored.float32(), stored.shape)));
        return [name, average];
      }),
    );
  }

  /** Takes in the weights after `steps` of them. */
  update(steps: number): void {
    const decay = Math.min(this.#decay, (1 + steps) / (10 + steps));
    noGrad(() =>
      scope(() => {
        for (const [name, average] of this.tensors)
          average.mul_(decay).add_(this.#weights.get(name)!, { alpha: 1 - decay });
      }),
    );
  }

  dispose(): void {
    for (const average of this.tensors.values()) average.dispose();
  }
}
