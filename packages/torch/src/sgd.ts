import { PspnetError } from "@pspnet/core";
import { type Handle, native } from "./binding.js";
import { keep, scope } from "./scope.js";
import { Tensor } from "./tensor.js";

/** Parameters that share a learning rate. `lr` may be set before each step. */
export interface ParameterGroup {
  readonly parameters: readonly Tensor[];
  lr: number;
}

/**
 * torch.optim.SGD: `g += weightDecay * w; v = momentum * v + (1 - dampening) * g; w -= lr * v`, the first `v` being `g`.
 * One fused native call a group and step. Parameters without a gradient are left alone.
 */
export class SGD {
  readonly groups: readonly ParameterGroup[];
  readonly momentum: number;
  readonly weightDecay: number;
  readonly dampening: number;
  readonly nesterov: boolean;
  readonly #momenta: (Tensor | null)[][];

  constructor(options: {
    readonly groups: readonly ParameterGroup[];
    readonly momentum?: number;
    readonly weightDecay?: number;
    readonly dampening?: number;
    readonly nesterov?: boolean;
  }) {
    this.groups = options.groups;
    this.momentum = options.momentum ?? 0;
    this.weightDecay = options.weightDecay ?? 0;
    this.dampening = options.dampening ?? 0;
    this.nesterov = options.nesterov ?? false;
    this.#momenta = this.groups.map(({ parameters }) => parameters.map(() => null));
  }

  /** Moves every parameter along its gradient. */
  step(): void {
    this.groups.forEach(({ parameters, lr }, g) => {
      const momenta = this.#momenta[g];
      const created = native().sgdStep(
        parameters.map(({ handle }) => handle),
        momenta.map((momentum) => momentum?.handle ?? null),
        lr,
        this.momentum,
        this.weightDecay,
        this.dampening,
        this.nesterov,
      ) as (Handle | null)[];
      created.forEach((handle, i) => {
        if (handle !== null) momenta[i] = keep(new Tensor(handle));
      });
    });
  }

  /** Forgets the gradients (PyTorch's set_to_none). */
  zeroGrad(): void {
    native().clearGradients(this.#handles());
  }

  /** The Euclidean norm of all gradients together; NaN or infinite when any element is. */
  gradientNorm(): number {
    return native().gradientNorm(this.#handles()) as number;
  }

  /** torch.nn.utils.clip_grad_norm_: makes all gradients together no longer than `most`; returns how long they were. */
  clipGradients(most: number): number {
    const norm = this.gradientNorm();
    const factor = most / (norm + 1e-6);
    if (factor < 1) {
      scope(() => {
        for (const { grad } of this.groups.flatMap(({ parameters }) => parameters)) grad?.mul_(factor);
      });
    }
    return norm;
  }

  /** The momentum of each parameter, group after group, null before its first step: what an exact resume needs. */
  get state(): readonly (Tensor | null)[] {
    return this.#momenta.flat();
  }

  /** Takes over copies of momenta that {@link state} gave. */
  loadState(state: readonly (Tensor | null)[]): void {
    const parameters = this.groups.flatMap((group) => group.parameters);
    if (state.length !== parameters.length) {
      throw new PspnetError("weights", `SGD.loadState: expected ${parameters.length} momenta, found ${state.length}`);
    }
    state.forEach((momentum, i) => {
      const expected = parameters[i].shape.join();
      if (momentum !== null && momentum.shape.join() !== expected) {
        throw new PspnetError(
          "weights",
          `SGD.loadState: momentum ${i}: expected [${expected}], found [${momentum.shape.join()}]`,
        );
      }
    });
    this.dispose();
    let next = 0;
    for (const [g, group] of this.groups.entries()) {
      group.parameters.forEach((parameter, i) => {
        const momentum = state[next++];
        this.#momenta[g][i] = momentum && keep(parameter.zerosLike().copy_(momentum));
      });
    }
  }

  /** Frees the momenta. */
  dispose(): void {
    for (const momenta of this.#momenta) {
      momenta.forEach((momentum, i) => {
        momentum?.dispose();
        momenta[i] = null;
      });
    }
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #handles(): Handle[] {
    return this.groups.flatMap(({ parameters }) => parameters.map(({ handle }) => handle));
  }
}
