/** Mutations of bytes that know nothing of what they mean. */
import type { Random } from "@pspnet/core";

/** @param others Bytes of the same kind, to take pieces of. */
export type Mutation = (bytes: Uint8Array, random: Random, others: readonly Uint8Array[]) => Uint8Array;

export function pick<T>(from: readonly T[], random: Random): T {
  return from[random.integer(0, from.length)];
}

export function concat(...pieces: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(pieces));
}

/** Numbers at which readers err: none, one, all bits, the ends of each width, and sizes that no file has. */
export const INTEGERS = [
  ...[0n, 1n, 2n, 7n, 32n, 33n, 127n, 128n, 255n, 256n, 1024n, 65535n, 65536n, 1n << 24n],
  ...[(1n << 31n) - 1n, 1n << 31n, (1n << 32n) - 1n, 1n << 32n, 1n << 40n, (1n << 53n) - 1n, 1n << 53n],
  ...[1n << 60n, (1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 1n],
];

/** A number of `width` bytes, either way round. */
export function integerBytes(value: bigint, width: number, bigEndian = false): Uint8Array {
  const bytes = Uint8Array.from({ length: width }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
  return bigEndian ? bytes.reverse() : bytes;
}

function overwritten(bytes: Uint8Array, at: number, piece: Uint8Array): Uint8Array {
  const changed = bytes.slice();
  changed.set(piece.subarray(0, Math.max(0, bytes.length - at)), at);
  return changed;
}

/** A place and a length within `bytes`, more often short than long. */
function range(bytes: Uint8Array, random: Random): [from: number, to: number] {
  const from = random.integer(0, bytes.length);
  const longest = Math.min(bytes.length - from, 2 ** random.integer(0, 13));
  return [from, from + random.integer(1, longest + 1)];
}

/** A multiple of 1, 2, 4 or 8. */
function aligned(bytes: Uint8Array, width: number, random: Random): number {
  return Math.floor(random.integer(0, bytes.length) / width) * width;
}

const mutations: readonly Mutation[] = [
  function flipBit(bytes, random) {
    const at = random.integer(0, bytes.length);
    return overwritten(bytes, at, Uint8Array.of(bytes[at] ^ (1 << random.integer(0, 8))));
  },
  function setByte(bytes, random) {
    return overwritten(
      bytes,
      random.integer(0, bytes.length),
      Uint8Array.of(pick([0, 255, random.integer(0, 256)], random)),
    );
  },
  function setInteger(bytes, random) {
    const width = pick([1, 2, 4, 8], random);
    const piece = integerBytes(pick(INTEGERS, random), width, random.next() < 0.2);
    return overwritten(bytes, aligned(bytes, pick([1, width], random), random), piece);
  },
  function addToInteger(bytes, random) {
    const width = pick([1, 2, 4, 8], random);
    const at = aligned(bytes, pick([1, width], random), random);
    const value = bytes.subarray(at, at + width).reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);
    return overwritten(bytes, at, integerBytes(value + BigInt(random.integer(-16, 17)), width));
  },
  function swapIntegers(bytes, random) {
    const width = pick([2, 4, 8], random);
    const [a, b] = [aligned(bytes, width, random), aligned(bytes, width, random)];
    const [one, other] = [bytes.slice(a, a + width), bytes.slice(b, b + width)];
    return overwritten(overwritten(bytes, a, other), b, one);
  },
  function cutOff(bytes, random) {
    return bytes.slice(0, random.integer(0, bytes.length));
  },
  function remove(bytes, random) {
    const [from, to] = range(bytes, random);
    return concat(bytes.subarray(0, from), bytes.subarray(to));
  },
  function repeat(bytes, random) {
    const [from, to] = range(bytes, random);
    const times = pick([1, 1, 1, 8, 64], random);
    return concat(bytes.subarray(0, to), ...Array(times).fill(bytes.subarray(from, to)), bytes.subarray(to));
  },
  function insert(bytes, random) {
    const at = random.integer(0, bytes.length + 1);
    const length = 2 ** random.integer(0, 9);
    const fill = pick([0, 255, null], random);
    const piece = Uint8Array.from({ length }, () => fill ?? random.integer(0, 256));
    return concat(bytes.subarray(0, at), piece, bytes.subarray(at));
  },
  function copyOver(bytes, random) {
    const [from, to] = range(bytes, random);
    return overwritten(bytes, random.integer(0, bytes.length), bytes.slice(from, to));
  },
  function setNumberInText(bytes, random) {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
    const start = random.integer(0, text.length);
    const found = /\d+/.exec(text.slice(start)) ?? /\d+/.exec(text);
    if (!found) return bytes;
    const at = text.indexOf(found[0], text.slice(start).includes(found[0]) ? start : 0);
    const number = pick(["-1", "1e400", "0.5", "", "NaN", "9".repeat(400), ...INTEGERS.map(String)], random);
    return concat(bytes.subarray(0, at), Buffer.from(number), bytes.subarray(at + found[0].length));
  },
  function splice(bytes, random, others) {
    const other = pick(others, random);
    const [at, from] = [random.integer(0, bytes.length), random.integer(0, other.length)];
    if (random.next() < 0.5) return concat(bytes.subarray(0, at), other.subarray(from));
    const [begin, end] = range(other, random);
    return concat(bytes.subarray(0, at), other.subarray(begin, end), bytes.subarray(at));
  },
];

export const mutateBytes: Mutation = (bytes, random, others) => {
  if (bytes.length === 0) return Uint8Array.of(random.integer(0, 256));
  const mutation = pick(mutations, random);
  return mutation(bytes, random, others.length > 0 ? others : [bytes]);
};
