// https://protobuf.dev/programming-guides/encoding/
import { ByteReader } from "./byteReader.js";

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
  if (wireType === 0) return readVarint(reader);
  if (wireType === 1) return reader.take(8);
  if (wireType === 2) return reader.take(readVarint(reader));
  if (wireType === 5) return reader.take(4);
  return reader.fail(`expected a field of a protocol buffer, found wire type ${wireType}`);
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
