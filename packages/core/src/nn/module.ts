import type { Tensor } from "../tensor/tensor.js";
import { Parameter } from "./parameter.js";

/**
 * A part of a network. Its own fields that are parameters, modules, or arrays of modules are its state, and the fields'
 * names are the names in checkpoints: `cls.0.weight`, `ppm.features.2.1.weight`.
 */
export abstract class Module {
  /** Whether batch norm and dropout behave as in training. */
  training = true;

  /** The modules directly inside this one, with their names, in the order of declaration. One named "" adds nothing to the paths in it. */
  *children(): Generator<[string, Module]> {
    for (const [name, field] of Object.entries(this)) {
      if (field instanceof Module) yield [name, field];
      if (!Array.isArray(field)) continue;
      for (const [i, element] of field.entries()) if (element instanceof Module) yield [`${name}.${i}`, element];
    }
  }

  /** This module and all those inside it, depth first, with their paths; this one's is "". */
  *modules(prefix = ""): Generator<[string, Module]> {
    yield [prefix, this];
    for (const [name, child] of this.children()) yield* child.modules([prefix, name].filter(Boolean).join("."));
  }

  /** All state by path: what a checkpoint of this module holds, weights and running statistics. */
  stateDict(): Map<string, Parameter> {
    const state = new Map<string, Parameter>();
    for (const [path, module] of this.modules()) {
      for (const [name, field] of Object.entries(module)) {
        if (field instanceof Parameter) state.set(path ? `${path}.${name}` : name, field);
      }
    }
    return state;
  }

  /** What an optimiser trains, by path. */
  *namedParameters(): Generator<[string, Parameter]> {
    for (const entry of this.stateDict()) if (entry[1].trainable) yield entry;
  }

  train(): this {
    return this.#setTraining(true);
  }

  eval(): this {
    return this.#setTraining(false);
  }

  #setTraining(training: boolean): this {
    for (const [, module] of this.modules()) module.training = training;
    return this;
  }
}

/** A module from one tensor to one tensor, `[n, c, h, w]` both. */
export abstract class Layer extends Module {
  /** What `compute` gives; what it made on the way is freed, but for what backward needs. */
  forward<T extends Tensor>(x: T): T {
    return x.scope(() => this.compute(x));
  }

  protected abstract compute<T extends Tensor>(x: T): T;
}

/** Number of trained values. Needs no backend. */
export function parameterCount(module: Module): number {
  let count = 0;
  for (const [, { shape }] of module.namedParameters()) count += shape.reduce((product, size) => product * size, 1);
  return count;
}

/** Tells each parameter its path in `root`, so that its errors can name it. */
export function nameParameters(root: Module): void {
  for (const [path, parameter] of root.stateDict()) parameter.path = path;
}
