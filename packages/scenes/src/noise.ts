import { random } from "@pspnet/core/random";

/** Side of the square noise tables, a power of two: they repeat after it. */
const SIDE = 256;
const MASK = SIDE - 1;

let clouds: Float32Array | undefined;
let grain: Float32Array | undefined;

/** Smooth noise in [0, 1] that repeats every 256 in x and y: four octaves of value noise. */
export function cloudTable(): Float32Array {
  clouds ??= makeClouds();
  return clouds;
}

/** Independent noise of each table cell: in [-1, 1], mean 0, a triangular distribution. */
export function grainTable(): Float32Array {
  grain ??= makeGrain();
  return grain;
}

function makeGrain(): Float32Array {
  const generator = random(0x6e015e, 1);
  return Float32Array.from({ length: SIDE * SIDE }, () => generator.next() + generator.next() - 1);
}

function makeClouds(): Float32Array {
  const table = new Float32Array(SIDE * SIDE);
  for (const [octave, weight] of [0.5, 0.27, 0.15, 0.08].entries()) addOctave(table, 8 << octave, weight);
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of table) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return table.map((value) => (value - low) / (high - low));
}

/** Adds value noise of `cells` x `cells` random values, smoothly interpolated, to the whole table. */
function addOctave(table: Float32Array, cells: number, weight: number): void {
  const generator = random(0x6e015e, 2, cells);
  const lattice = Float32Array.from({ length: cells * cells }, () => generator.next());
  const size = SIDE / cells;
  for (let y = 0; y < SIDE; y++) {
    const top = Math.floor(y / size);
    const bottom = (top + 1) % cells;
    const fy = smoothStep((y % size) / size);
    for (let x = 0; x < SIDE; x++) {
      const left = Math.floor(x / size);
      const right = (left + 1) % cells;
      const fx = smoothStep((x % size) / size);
      const above = lattice[top * cells + left] * (1 - fx) + lattice[top * cells + right] * fx;
      const below = lattice[bottom * cells + left] * (1 - fx) + lattice[bottom * cells + right] * fx;
      table[y * SIDE + x] += weight * (above * (1 - fy) + below * fy);
    }
  }
}

/** 0 at 0, 1 at 1, level at both ends; the argument is in [0, 1]. */
export function smoothStep(x: number): number {
  return x * x * (3 - 2 * x);
}

/** The value of `table` at (x, y), bilinear, repeating. Any finite x and y. */
export function sample(table: Float32Array, x: number, y: number): number {
  const left = Math.floor(x);
  const top = Math.floor(y);
  const fx = x - left;
  const fy = y - top;
  const x0 = left & MASK;
  const x1 = (left + 1) & MASK;
  const row0 = (top & MASK) * SIDE;
  const row1 = ((top + 1) & MASK) * SIDE;
  const above = table[row0 + x0] * (1 - fx) + table[row0 + x1] * fx;
  const below = table[row1 + x0] * (1 - fx) + table[row1 + x1] * fx;
  return above + (below - above) * fy;
}

/** A number in [0, 1] for the cell (i, j): always the same for the same cell and salt. */
export function cellValue(i: number, j: number, salt: number): number {
  const hash = Math.imul(i ^ Math.imul(j, 0x9e3779b1) ^ salt, 0x85ebca6b);
  return ((hash ^ (hash >>> 15)) & 0xffff) / 0xffff;
}
