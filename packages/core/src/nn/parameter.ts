import { PspnetError } from "../error.js";
import type { Shape, Tensor } from "../tensor/tensor.js";
import type { Initialiser } from "./initialisers.js";

export interface ParameterOptions {
  readonly init: Initialiser;
  /** False for what training updates without a gradient: running statistics (PyTorch's buffers). Default true. */
  readonly trainable?: boolean;
}

/**
 * One array of numbers of a network. A module describes its parameters; a backend gives them memory, through
 * `initialise` or `loadStateDict`.
 */
export class Parameter {
  readonly init: Initialiser;
  readonly trainable: boolean;
  /** Where the parameter stands in its network, `layer1.0.conv1.weight`; set by {@link nameParameters}. */
  path = "";
  #value: Tensor | null = null;

  constructor(
    readonly shape: Shape,
    { init, trainable = true }: ParameterOptions,
  ) {
    this.init = init;
    this.trainable = trainable;
  }

  get hasValue(): boolean {
    return this.#value !== null;
  }

  /** @throws PspnetError "weights" while no backend has given the parameter memory. */
  get value(): Tensor {
    if (this.#value === null) {
      const name = this.path || `parameter of shape [${this.shape}]`;
      throw new PspnetError(
        "weights",
        `${name}: has no value yet; call initialise() or loadStateDict() on the network`,
      );
    }
    return this.#value;
  }

  set value(value: Tensor) {
    if (value.shape.join() !== this.shape.join()) {
      const name = this.path || "parameter";
      throw new PspnetError("weights", `${name}: expected shape [${this.shape}], found [${value.shape}]`);
    }
    this.#value = value;
  }

  /** The value as the tensor type that flows through `forward`: a network's parameters all come from one backend. */
  as<T extends Tensor>(): T {
    return this.value as T;
  }
}
