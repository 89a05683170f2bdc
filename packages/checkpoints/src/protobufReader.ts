// https://protobuf.dev/programming-guides/encoding/
import { ByteReader } from "./byteReader.js";
import { PspnetError } from "./error.js";
import { FIELDS_MAX } from "./limits.js";
import { BITS_32, BITS_64, LENGTH, VARINT } from "./protobuf.js";

/** A field of a message: a number, or the bytes of text, a message, packed numbers or a number of 32 or 64 bits. */
export interface ProtobufField {
  readonly number: number;
  readonly value: number | Uint8Array;
}

/**
 * The fields of a message in their order, views of its bytes.
 *
 * @throws PspnetError "format" where the bytes are none.
 */
export function* protobufFields(bytes: Uint8Array, place: string): Generator<ProtobufField> {
  const reader = new ByteReader(bytes, place);
  while (reader.left > 0) {
    const tag = readVarint(reader);
    yield { number: Math.floor(tag / 8), value: fieldValue(reader, tag % 8) };
  }
}

function fieldValue(reader: ByteReader, wireType: number): number | Uint8Array {
  if (wireType === VARINT) return readVarint(reader);
  if (wireType === BITS_64) return reader.take(8);
  if (wireType === LENGTH) return reader.take(readVarint(reader));
  if (wireType === BITS_32) return reader.take(4);
  return reader.fail(`expected a field of a protocol buffer, found wire type ${wireType}`);
}

/**
 * The fields of a message but those of `elements`, of which there may be one a number.
 *
 * @throws PspnetError "format" for more than any message of a network has.
 */
export function fieldsBeside(bytes: Uint8Array, elements: readonly number[], place: string): ProtobufField[] {
  const fields: ProtobufField[] = [];
  for (const field of protobufFields(bytes, place)) {
    if (elements.includes(field.number)) continue;
    fields.push(field);
    if (fields.length > FIELDS_MAX) throw new PspnetError("format", `${place}: expected at most ${FIELDS_MAX} fields`);
  }
  return fields;
}

/** The elements that all fields of that number hold, packed or one a field; a view where there is one field. */
export function elementsOf(bytes: Uint8Array, number: number, place: string): Uint8Array {
  let length = 0;
  let last: Uint8Array = new Uint8Array();
  const found = function* () {
    for (const field of protobufFields(bytes, place)) if (field.number === number) yield bytesOf(field);
  };
  for (const piece of found()) {
    length += piece.byteLength;
    last = piece;
  }
  if (last.byteLength === length) return last;
  const all = new Uint8Array(length);
  let at = 0;
  for (const piece of found()) {
    all.set(piece, at);
    at += piece.byteLength;
  }
  return all;
}

/** The bytes of a field; none of one that is a number. */
export function bytesOf({ value }: ProtobufField): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array();
}

/** The numbers of a repeated field: one, or packed. */
export function wholeNumbers(value: ProtobufField["value"]): number[] {
  if (typeof value === "number") return [value];
  const reader = new ByteReader(value, "packed numbers");
  const found: number[] = [];
  while (reader.left > 0) found.push(readVarint(reader));
  return found;
}

/** A number of up to 64 bits, rounded beyond 2^53. */
export function readVarint(reader: ByteReader): number {
  let value = 0;
  for (let i = 0; i < 10; i++) {
    const byte = reader.u8();
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return value;
  }
  return reader.fail("expected a number of at most 10 bytes");
}
