// Protocol buffers, as much of them as ONNX models and TensorBoard's events need: https://protobuf.dev/programming-guides/encoding/
import { byteLength } from "./pieces.js";

export { join } from "./pieces.js";

/** How a field stands in the bytes. */
export const VARINT = 0;
export const BITS_64 = 1;
export const LENGTH = 2;
export const BITS_32 = 5;

/** Encoded bytes in pieces, so that weights of gigabytes are not copied at each level of a message. */
export type Encoded = readonly Uint8Array[];

/** An `int32`, `int64` or enumeration: a safe integer, of either sign. */
export function intField(number: number, value: number): Encoded {
  return [Uint8Array.from([...tag(number, VARINT), ...varint(value)])];
}

export function floatField(number: number, value: number): Encoded {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return [Uint8Array.from([...tag(number, BITS_32), ...bytes])];
}

export function doubleField(number: number, value: number): Encoded {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value, true);
  return [Uint8Array.from([...tag(number, BITS_64), ...bytes])];
}

/** A string or bytes. */
export function bytesField(number: number, value: Uint8Array | string): Encoded {
  return messageField(number, [[typeof value === "string" ? new TextEncoder().encode(value) : value]]);
}

/** A message inside another; repeated fields are given repeatedly. */
export function messageField(number: number, fields: readonly Encoded[]): Encoded {
  const content = fields.flat();
  return [Uint8Array.from([...tag(number, LENGTH), ...varint(byteLength(content))]), ...content];
}

function tag(number: number, wireType: number): number[] {
  return varint(number * 8 + wireType);
}

/** Seven bits a byte, lowest first; a negative number as 64 bits of two's complement. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return bytes;
}
