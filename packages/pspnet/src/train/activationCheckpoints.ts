import { BasicBlock, BatchNorm2d, Bottleneck, type Layer, type PSPNet } from "@pspnet/core";
import { backward, keep, noGrad, scope, type Tensor } from "@pspnet/torch";

/** A block's input and output; nothing in between is kept. */
interface Checkpoint {
  readonly compute: (x: Tensor) => Tensor;
  readonly norms: readonly BatchNorm2d[];
  readonly x: Tensor;
  readonly y: Tensor;
}

/**
 * Activation checkpointing (Chen et al., arXiv 1604.06174) by residual block, for one step: forward keeps what goes into each block, and
 * backward computes the rest again. Gradients and running statistics are the same, bit for bit.
 */
export class ActivationCheckpoints {
  readonly #blocks: readonly Layer[];
  readonly #kept: Checkpoint[] = [];

  constructor(model: PSPNet) {
    const modules = [...model.backbone.modules()].map(([, module]) => module);
    this.#blocks = modules.filter((module) => module instanceof BasicBlock || module instanceof Bottleneck);
  }

  /** Runs `work`, in which blocks leave a leaf behind that collects the gradient of what they gave. */
  forward<R>(work: () => R): R {
    for (const block of this.#blocks) block.forward = this.#checkpointed(block) as typeof block.forward;
    try {
      return work();
    } finally {
      // The class's own shows again.
      for (const block of this.#blocks) Reflect.deleteProperty(block, "forward");
    }
  }

  /** When backward has come to the last block: through all of them. `run` has a block computed as it was in forward. */
  backward(run: (block: () => Tensor) => Tensor): void {
    const leaves = new Set(this.#kept.map(({ y }) => y));
    for (const { compute, norms, x, y } of this.#kept.reverse()) {
      // What others than this block gave of the input's gradient comes first, as it does where all is one graph.
      const others = leaves.has(x) ? x.grad : null;
      scope(() => {
        const input = others === null ? x : x.permute(0, 1, 2, 3);
        const again = run(() => withoutStatistics(norms, () => compute(input)));
        if (others !== null) x.grad = null;
        backward(others === null ? [again] : [again, input], others === null ? [y.grad!] : [y.grad!, others]);
      });
      others?.dispose();
      y.dispose();
      if (!leaves.has(x)) x.dispose();
    }
  }

  #checkpointed(block: Layer) {
    const compute = block.forward.bind(block) as (x: Tensor) => Tensor;
    const norms = [...block.modules()].map(([, module]) => module).filter((module) => module instanceof BatchNorm2d);
    const trained = [...block.namedParameters()].some(([, parameter]) => parameter.as<Tensor>().requiresGrad);
    return (x: Tensor): Tensor => {
      if (!trained && !x.requiresGrad) return compute(x);
      const y = keep(noGrad(() => compute(x)));
      y.requiresGrad = true;
      this.#kept.push({ compute, norms, x: keep(x), y });
      return y;
    };
  }
}

/** Runs `work`, in which batch norm leaves the running statistics as they are. */
function withoutStatistics<R>(norms: readonly BatchNorm2d[], work: () => R): R {
  const momenta = norms.map(({ momentum }) => momentum);
  for (const norm of norms) norm.momentum = 0;
  try {
    return work();
  } finally {
    for (const [i, norm] of norms.entries()) norm.momentum = momenta[i];
  }
}
