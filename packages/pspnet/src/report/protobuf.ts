// Protocol buffers, as much of them as event files need: https://protobuf.dev/programming-guides/encoding/

const VARINT = 0;
const BITS_64 = 1;
const LENGTH = 2;
const BITS_32 = 5;

/** A message of encoded fields; repeated fields are given repeatedly. */
export function message(...fields: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(fields.reduce((sum, field) => sum + field.length, 0));
  let at = 0;
  for (const field of fields) {
    bytes.set(field, at);
    at += field.length;
  }
  return bytes;
}

/** An `int32`, `int64` or enumeration of 0 to 2^53. */
export function intField(number: number, value: number): Uint8Array {
  return message(tag(number, VARINT), varint(value));
}

export function doubleField(number: number, value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value, true);
  return message(tag(number, BITS_64), bytes);
}

export function floatField(number: number, value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return message(tag(number, BITS_32), bytes);
}

/** A string, bytes, or a message inside this one. */
export function bytesField(number: number, value: Uint8Array | string): Uint8Array {
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  return message(tag(number, LENGTH), varint(bytes.length), bytes);
}

function tag(number: number, wireType: number): Uint8Array {
  return varint(number * 8 + wireType);
}

/** Seven bits a byte, lowest first. Division, because bit operations end at 32 bits. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
