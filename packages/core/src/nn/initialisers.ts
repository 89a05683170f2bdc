import type { Random } from "../random/random.js";
import type { Shape } from "../tensor/tensor.js";

/** Fills `values`, the elements of a parameter of this `shape`, from `generator`. */
export type Initialiser = (values: Float32Array, shape: Shape, generator: Random) => void;

export function constant(value: number): Initialiser {
  return (values) => values.fill(value);
}

/** He's normal with fan out and gain sqrt 2: N(0, 2 / (out * kh * kw)). What the official release gives its ResNets. */
export const kaimingNormal: Initialiser = (values, [out, , kh, kw], generator) =>
  fillNormal(values, Math.sqrt(2 / (out * kh * kw)), generator);

/** PyTorch's default for a weight `[out, ...seen]`, kaiming_uniform(a = sqrt 5): U(-b, b), b = 1 / sqrt(fan in), the product of `seen`. */
export const kaimingUniform: Initialiser = (values, [, ...seen], generator) =>
  fillUniform(values, 1 / Math.sqrt(seen.reduce((product, size) => product * size, 1)), generator);

/** PyTorch's default for a bias: U(-b, b), b = 1 / sqrt(fanIn). */
export function biasUniform(fanIn: number): Initialiser {
  return (values, _shape, generator) => fillUniform(values, 1 / Math.sqrt(fanIn), generator);
}

function fillUniform(values: Float32Array, bound: number, generator: Random): void {
  for (let i = 0; i < values.length; i++) values[i] = (2 * generator.next() - 1) * bound;
}

/** Marsaglia's polar method: two normals a turn and no trigonometry, because ResNet-152 needs 58 million. */
function fillNormal(values: Float32Array, deviation: number, generator: Random): void {
  for (let i = 0; i < values.length; i += 2) {
    let x: number;
    let y: number;
    let square: number;
    do {
      x = 2 * generator.next() - 1;
      y = 2 * generator.next() - 1;
      square = x * x + y * y;
    } while (square >= 1 || square === 0);
    const factor = deviation * Math.sqrt((-2 * Math.log(square)) / square);
    values[i] = x * factor;
    if (i + 1 < values.length) values[i + 1] = y * factor;
  }
}
