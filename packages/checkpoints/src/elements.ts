import { PspnetError } from "./error.js";
import { roundHalfEven } from "./roundHalfEven.js";
import type { StoredDType } from "./tensor.js";

export const ELEMENT_SIZE: Readonly<Record<StoredDType, number>> = {
  float64: 8,
  float32: 4,
  bfloat16: 2,
  float16: 2,
  int64: 8,
  uint64: 8,
  int32: 4,
  uint32: 4,
  int16: 2,
  uint16: 2,
  uint8: 1,
  int8: 1,
  bool: 1,
};

/** Little-endian elements as float32; integers and float64 are rounded to it. */
export function toFloat32(bytes: Uint8Array, dtype: StoredDType): Float32Array {
  const count = bytes.byteLength / ELEMENT_SIZE[dtype];
  // A copy, because a file's bytes start anywhere and typed arrays need alignment; not slice(), which Node's Buffer overrides.
  if (dtype === "float32") return new Float32Array(new Uint8Array(bytes).buffer);
  if (dtype === "uint8" || dtype === "bool") return Float32Array.from(bytes);
  const values = new Float32Array(count);
  const read = reader(bytes, dtype);
  for (let i = 0; i < count; i++) values[i] = read(i);
  return values;
}

/** The bits of the exponent: infinite numbers and NaN alone have all of them set. */
const EXPONENT = { float32: 0x7f80_0000, float16: 0x7c00, bfloat16: 0x7f80 } as const;

/** Whether no element is infinite or NaN as a float32. */
export function allFinite(bytes: Uint8Array, dtype: StoredDType): boolean {
  if (dtype === "float64") return allFinite(fromFloat32(toFloat32(bytes, dtype), "float32"), "float32");
  if (dtype !== "float32" && dtype !== "float16" && dtype !== "bfloat16") return true;
  const aligned = bytes.byteOffset % ELEMENT_SIZE[dtype] === 0 ? bytes : new Uint8Array(bytes);
  const { buffer, byteOffset, byteLength } = aligned;
  const bits =
    dtype === "float32"
      ? new Int32Array(buffer, byteOffset, byteLength / 4)
      : new Uint16Array(buffer, byteOffset, byteLength / 2);
  const exponent = EXPONENT[dtype];
  const lowest = exponent & -exponent;
  // An exponent of ones carries into the sign: no branch, as a file holds many millions of elements.
  let carried = 0;
  for (let i = 0; i < bits.length; i++) carried |= (bits[i] & exponent) + lowest;
  return (carried & (exponent + lowest)) === 0;
}

/**
 * Float32 values as little-endian elements of `dtype`; to halves rounded to nearest, ties to even.
 *
 * @throws PspnetError "format" for a type other than float32, float16, bfloat16 and float64.
 */
export function fromFloat32(values: Float32Array, dtype: StoredDType): Uint8Array {
  if (dtype === "float32") return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  if (dtype === "float64") return new Uint8Array(Float64Array.from(values).buffer);
  if (dtype !== "float16" && dtype !== "bfloat16") {
    throw new PspnetError("format", `fromFloat32: expected float32, float16, bfloat16 or float64, found ${dtype}`);
  }
  const bits = new Uint32Array(values.buffer.slice(values.byteOffset, values.byteOffset + values.byteLength));
  const toHalf = dtype === "float16" ? float16Bits : bfloat16Bits;
  return new Uint8Array(Uint16Array.from(bits, toHalf).buffer);
}

function reader(
  bytes: Uint8Array,
  dtype: Exclude<StoredDType, "float32" | "uint8" | "bool">,
): (index: number) => number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (dtype) {
    case "float64":
      return (i) => view.getFloat64(i * 8, true);
    case "float16": {
      const values = float16Values();
      return (i) => values[view.getUint16(i * 2, true)];
    }
    case "bfloat16": {
      const word = new DataView(new ArrayBuffer(4));
      return (i) => {
        word.setUint16(0, view.getUint16(i * 2, true));
        return word.getFloat32(0);
      };
    }
    case "int64":
      return (i) => Number(view.getBigInt64(i * 8, true));
    case "uint64":
      return (i) => Number(view.getBigUint64(i * 8, true));
    case "int32":
      return (i) => view.getInt32(i * 4, true);
    case "uint32":
      return (i) => view.getUint32(i * 4, true);
    case "int16":
      return (i) => view.getInt16(i * 2, true);
    case "uint16":
      return (i) => view.getUint16(i * 2, true);
    case "int8":
      return (i) => view.getInt8(i);
  }
}

let halves: Float32Array | undefined;

/** The value of each of the 65,536 float16 patterns. */
function float16Values(): Float32Array {
  halves ??= Float32Array.from({ length: 0x1_0000 }, (_, bits) => float16Value(bits));
  return halves;
}

function float16Value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function bfloat16Bits(bits: number): number {
  if ((bits & 0x7fff_ffff) > 0x7f80_0000) return (bits >>> 16) | 0x40;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

function float16Bits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fff_ffff;
  if (magnitude > 0x7f80_0000) return sign | 0x7e00;
  if (magnitude >= 0x4780_0000) return sign | 0x7c00;
  // Below the smallest normal half, 2^-14, the step is 2^-24; above, the last 13 bits of the fraction go.
  // A carry runs into the exponent, as it must.
  if (magnitude < 0x3880_0000) {
    const exponent = magnitude >>> 23;
    const shift = 126 - exponent;
    return shift > 24 ? sign : sign | roundHalfEven(((magnitude & 0x7f_ffff) | 0x80_0000) / 2 ** shift);
  }
  return sign | roundHalfEven((magnitude - 0x3800_0000) / 2 ** 13);
}
