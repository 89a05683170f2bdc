import type { State } from "@pspnet/checkpoints";
import { PspnetError } from "../error.js";
import { mixSeed, random } from "../random/random.js";
import type { Backend, Shape } from "../tensor/tensor.js";
import { type Module, nameParameters } from "./module.js";
import type { Parameter } from "./parameter.js";

/**
 * Gives every parameter of `module` memory and its initial values.
 *
 * The numbers depend on (`seed`, the parameter's path) alone, so another order of layers, or one more, changes no other
 * parameter.
 */
export function initialise(module: Module, backend: Backend, { seed }: { readonly seed: number }): void {
  nameParameters(module);
  for (const [path, parameter] of module.stateDict()) {
    const values = new Float32Array(elements(parameter.shape));
    parameter.init(values, parameter.shape, random(seed, hashText(path)));
    parameter.value = backend.tensor(values, parameter.shape);
  }
}

export interface LoadOptions {
  readonly backend: Backend;
  /**
   * Names for which the network keeps its own values: they need not be in `state`, and are passed over if they are.
   */
  readonly keep?: (name: string) => boolean;
}

/**
 * Gives the parameters of `module` the values of `state`, names and shapes equal one to one.
 * PyTorch's `num_batches_tracked` counters are passed over: no momentum here depends on them.
 *
 * @throws PspnetError "weights" listing every missing name, unexpected name and wrong shape; nothing is loaded then.
 */
export function loadStateDict(module: Module, state: State, { backend, keep = () => false }: LoadOptions): void {
  nameParameters(module);
  const parameters = new Map([...module.stateDict()].filter(([name]) => !keep(name)));
  const found = new Map([...state].filter(([name]) => !keep(name) && !name.endsWith("num_batches_tracked")));
  const problems = misfits(parameters, found);
  if (problems.length > 0) throw new PspnetError("weights", `weights do not fit the network:\n${problems.join("\n")}`);
  for (const [name, parameter] of parameters) {
    parameter.value = backend.tensor(found.get(name)!.float32(), parameter.shape);
  }
}

/** Where names and shapes differ, a line each. */
export function misfits(parameters: ReadonlyMap<string, Parameter>, found: State): string[] {
  const problems: string[] = [];
  for (const [name, { shape }] of parameters) {
    const tensor = found.get(name);
    if (!tensor) problems.push(`${name}: expected [${shape}], missing from the weights`);
    else if (shape.join() !== tensor.shape.join())
      problems.push(`${name}: expected [${shape}], found [${tensor.shape}]`);
  }
  for (const [name, { shape }] of found) {
    if (!parameters.has(name))
      problems.push(`${name}: unexpected, the network has no such parameter (found [${shape}])`);
  }
  return problems;
}

function elements(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** 32 bits of a path, to seed its generator. */
function hashText(text: string): number {
  return mixSeed(...Array.from(text, (character) => character.codePointAt(0)!));
}
