import { latin1, utf8 } from "../byteReader.js";
import { PspnetError } from "../error.js";
import type { StateTensor } from "../tensor.js";

/** Text that is decoded where it is used: Python 2's `str`, which may be an array's data, and long Unicode. */
export class PickledText {
  #text: string | undefined;

  constructor(
    readonly bytes: Uint8Array,
    readonly encoding: "utf-8" | "latin-1",
  ) {}

  /** Python 2 does not say how its `str` is encoded; what is no UTF-8 is taken for Latin-1. */
  toString(): string {
    this.#text ??= utf8(this.bytes) ?? latin1(this.bytes);
    return this.#text;
  }
}

/** An instance of a class that is known and of no further use here, such as `argparse.Namespace`: its attributes. */
export class PickledObject {
  readonly attributes = new Map<unknown, unknown>();

  constructor(readonly type: string) {}

  build(state: unknown, spend: (size: number) => void): void {
    // An object with slots has two dictionaries.
    for (const part of Array.isArray(state) ? state.slice(0, 2) : [state]) {
      if (!(part instanceof Map)) continue;
      spend(part.size);
      for (const [name, value] of part) this.attributes.set(name, value);
    }
  }
}

/** A tensor or an array: what a state is made of. */
export interface PickledTensor {
  /**
   * @param name Its path in the file, for messages.
   * @throws PspnetError "format" where its data do not hold it.
   */
  tensor(name: string): StateTensor;
}

export function isPickledTensor(value: unknown): value is PickledTensor {
  return typeof value === "object" && value !== null && "tensor" in value && typeof value.tensor === "function";
}

/** The value as text, if it is text. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return value instanceof PickledText ? value.toString() : undefined;
}

/** What makes the instances of a class, or is a function: the whole of what a pickle can call. */
export interface PickledGlobal {
  /** Module and name, as in `torch._utils._rebuild_tensor_v2`. */
  readonly name: string;
  /** @param spend Called with the size of what is made, so that no file grows far beyond itself. */
  readonly call: (args: readonly unknown[], spend: (size: number) => void) => unknown;
}

export type Globals = Readonly<Record<string, PickledGlobal["call"]>>;

/** For a class that is named but never made, such as `torch.FloatStorage`. */
export const onlyNamed = (): never => {
  throw new PspnetError("format", "expected it to be named, not called");
};
