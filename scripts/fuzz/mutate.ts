import { type Random, random } from "@pspnet/core";
import { concat, integerBytes, type Mutation, mutateBytes, pick } from "./bytes.js";
import type { Input } from "./input.js";
import { mutateJson } from "./json.js";
import { mutatePickle } from "./pickle.js";
import { isProtobuf, mutateProtobuf } from "./protobuf.js";
import { isTable, mutateTable } from "./sortedTable.js";
import { mutateZip } from "./zip.js";

const startsWith = (bytes: Uint8Array, text: string) =>
  Buffer.from(bytes.subarray(0, text.length)).equals(Buffer.from(text, "latin1"));

/** JSON after a length of 8 bytes, as safetensors begins. */
const mutateHeader: Mutation = (bytes, generator, others) => {
  const length = Number(Buffer.from(bytes.slice(0, 8)).readBigUInt64LE());
  const changed = mutateJson(Buffer.from(bytes.subarray(8, 8 + length)).toString(), generator);
  if (changed === null) return mutateBytes(bytes, generator, others);
  const header = Buffer.from(changed);
  return concat(integerBytes(BigInt(header.length), 8), header, bytes.subarray(8 + length));
};

const mutateText: Mutation = (bytes, generator, others) => {
  const changed = mutateJson(Buffer.from(bytes).toString(), generator);
  return changed === null ? mutateBytes(bytes, generator, others) : new Uint8Array(Buffer.from(changed));
};

interface Structure {
  readonly recognises: (bytes: Uint8Array) => boolean;
  readonly mutate: Mutation;
}

/** What keeps lengths and checksums right, so that what lies behind them is reached. The first that recognises the bytes. */
const STRUCTURES: readonly Structure[] = [
  { recognises: (bytes) => startsWith(bytes, "PK\x03\x04"), mutate: mutateZip((...given) => mutateOnce(...given)) },
  { recognises: (bytes) => bytes[0] === 0x80 || startsWith(bytes, "\x93NUMPY"), mutate: mutatePickle },
  { recognises: (bytes) => bytes[8] === 0x7b && bytes.length > 9 && bytes[7] === 0, mutate: mutateHeader },
  { recognises: (bytes) => startsWith(bytes, "{"), mutate: mutateText },
  { recognises: isTable, mutate: mutateTable },
  { recognises: isProtobuf, mutate: mutateProtobuf },
];

const mutateOnce: Mutation = (bytes, generator, others) => {
  const structure = STRUCTURES.find(({ recognises }) => recognises(bytes));
  const mutate = structure && generator.next() < 0.6 ? structure.mutate : mutateBytes;
  return mutate(bytes, generator, others);
};

/** One to some ten changes, more often few. */
function mutated(bytes: Uint8Array, generator: Random, others: readonly Uint8Array[]): Uint8Array {
  let changed = bytes;
  do changed = mutateOnce(changed, generator, others);
  while (changed.length < MOST && generator.next() < 0.5);
  return changed.subarray(0, MOST);
}

/** Bytes of a file at most: time and memory may grow with it. */
const MOST = 2 ** 20;

/**
 * The input that `index` names: one of the originals with something in it changed.
 *
 * @param originals Whole inputs; pieces are exchanged between those whose names end alike.
 */
export function inputOf(originals: readonly Input[], seed: number, index: number): Input {
  const generator = random(seed, index);
  const original = pick(originals, generator);
  const place = generator.integer(0, original.length);
  const ending = (name: string) => name.slice(name.lastIndexOf("."));
  const alike = originals.flat().filter(({ name }) => ending(name) === ending(original[place].name));
  const others = alike.map(({ bytes }) => bytes);
  return original.map(({ name, bytes }, i) => ({
    name,
    bytes: i === place ? mutated(bytes, generator, others) : bytes,
  }));
}
