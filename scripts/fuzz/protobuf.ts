/** Mutations of protocol buffers by their fields, lengths made right: https://protobuf.dev/programming-guides/encoding/ */
import type { Random } from "@pspnet/core";
import { concat, INTEGERS, type Mutation, mutateBytes, pick } from "./bytes.js";

interface Field {
  readonly number: bigint;
  readonly wireType: number;
  readonly value: bigint | Uint8Array;
}

function fieldsOf(bytes: Uint8Array): Field[] | null {
  const fields: Field[] = [];
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) return null;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
    return null;
  };
  while (at < bytes.length) {
    const tag = varint();
    if (tag === null || tag >> 3n === 0n) return null;
    const wireType = Number(tag & 7n);
    const length = { 0: 0n, 1: 8n, 2: wireType === 2 ? varint() : 0n, 5: 4n }[wireType];
    const number = tag >> 3n;
    if (wireType === 0) {
      const value = varint();
      if (value === null) return null;
      fields.push({ number, wireType, value });
    } else {
      if (length === undefined || length === null || BigInt(at) + length > BigInt(bytes.length)) return null;
      fields.push({ number, wireType, value: bytes.slice(at, at + Number(length)) });
      at += Number(length);
    }
  }
  return fields.length > 0 ? fields : null;
}

export function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  for (; value > 127n; value >>= 7n) bytes.push(Number(value & 127n) | 128);
  return Uint8Array.of(...bytes, Number(value));
}

function written(fields: readonly Field[]): Uint8Array {
  return concat(
    ...fields.flatMap(({ number, wireType, value }) => {
      const tag = varint((number << 3n) | BigInt(wireType));
      if (typeof value === "bigint") return [tag, varint(value)];
      return wireType === 2 ? [tag, varint(BigInt(value.length)), value] : [tag, value];
    }),
  );
}

export function isProtobuf(bytes: Uint8Array): boolean {
  return fieldsOf(bytes) !== null;
}

export const mutateProtobuf: Mutation = (bytes, random, others) => {
  const fields = fieldsOf(bytes);
  if (!fields) return mutateBytes(bytes, random, others);
  const at = random.integer(0, fields.length);
  switch (random.integer(0, 9)) {
    case 0:
      return written(fields.toSpliced(at, 1));
    case 1:
      return written(fields.toSpliced(at, 0, ...Array(pick([1, 1, 100], random)).fill(fields[at])));
    case 2:
      return written(fields.with(at, fields[random.integer(0, fields.length)]));
    case 3:
      return written(fields.with(at, { ...fields[at], number: BigInt(random.integer(1, 20)) }));
    case 4:
      return written(
        fields.toSpliced(at, 0, { number: BigInt(random.integer(1, 16)), wireType: 0, value: pick(INTEGERS, random) }),
      );
    default:
      return written(fields.with(at, mutateField(fields[at], random)));
  }
};

function mutateField(field: Field, random: Random): Field {
  const { value } = field;
  if (typeof value === "bigint") return { ...field, value: pick(INTEGERS, random) };
  const within = random.next() < 0.8 ? mutateProtobuf : mutateBytes;
  return { ...field, value: within(value, random, [value]) };
}
