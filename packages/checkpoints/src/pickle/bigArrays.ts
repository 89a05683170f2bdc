import { PspnetError } from "../error.js";
import type { StateTensor } from "../tensor.js";
import { NumpyArray } from "./numpy.js";
import { type PickledTensor, textOf } from "./values.js";

/** Where Paddle notes into what pieces it cut arrays of a GiB and more, which pickles before protocol 4 do not hold. */
const PIECES = "UnpackBigParamInfor@@";

/**
 * A pickle's dictionary with the arrays whole again that Paddle cut, `{ name: { OriginShape, slices: [names] } }`; all else as it is.
 *
 * @throws PspnetError "format" for pieces that are not there.
 */
export function withWholeArrays(root: unknown): unknown {
  if (!(root instanceof Map)) return root;
  const pieces = root.get(PIECES);
  if (!(pieces instanceof Map)) return root;
  const whole = new Map<unknown, unknown>(root);
  whole.delete(PIECES);
  for (const [name, cut] of pieces) {
    const { shape, slices } = cutArray(cut, textOf(name) ?? "");
    const parts = slices.map((slice) => {
      const part = whole.get(slice);
      // A piece is of one array, once.
      whole.delete(slice);
      if (part instanceof NumpyArray) return part;
      throw new PspnetError("format", `${name}: expected its piece ${slice}, found none; the file is damaged`);
    });
    whole.set(name, new JoinedArray(parts, shape));
  }
  return whole;
}

function cutArray(cut: unknown, name: string): { shape: readonly number[]; slices: readonly string[] } {
  const shape = cut instanceof Map ? cut.get("OriginShape") : undefined;
  const slices = cut instanceof Map ? cut.get("slices") : undefined;
  if (!Array.isArray(shape) || !shape.every(Number.isSafeInteger) || !Array.isArray(slices) || slices.length === 0) {
    throw new PspnetError("format", `${name}: expected the shape and the pieces of an array in ${PIECES}`);
  }
  return { shape, slices: slices.map((slice) => textOf(slice) ?? "") };
}

/** Vectors that one after the other are an array's elements in row-major order. */
class JoinedArray implements PickledTensor {
  constructor(
    readonly parts: readonly NumpyArray[],
    readonly shape: readonly number[],
  ) {}

  tensor(name: string): StateTensor {
    const { shape } = this;
    const parts = this.parts.map((part) => part.tensor(name));
    const sizeOf = (sizes: readonly number[]) => sizes.reduce((product, size) => product * size, 1);
    const held = parts.reduce((sum, part) => sum + sizeOf(part.shape), 0);
    if (held !== sizeOf(shape)) {
      throw new PspnetError(
        "format",
        `${name}: shape [${shape}] needs ${sizeOf(shape)} elements, its pieces hold ${held}`,
      );
    }
    const float32 = () => {
      const values = new Float32Array(held);
      let at = 0;
      for (const part of parts) {
        values.set(part.float32(), at);
        at += sizeOf(part.shape);
      }
      return values;
    };
    return { shape, dtype: parts[0].dtype, float32 };
  }
}
