/** Mutations of pickles by their operations: https://github.com/python/cpython/blob/main/Lib/pickletools.py */
import type { Random } from "@pspnet/core";
import { concat, INTEGERS, integerBytes, type Mutation, mutateBytes, pick } from "./bytes.js";

interface Operation {
  readonly code: number;
  /** Bytes that say how long `content` is. */
  readonly lengthBytes: number;
  /** The argument. */
  readonly content: Uint8Array;
}

/** Bytes of the arguments, by the operation's letter. */
const FIXED: Readonly<Record<string, number>> = {
  ...{ J: 4, K: 1, M: 2, G: 8, q: 1, h: 1, r: 4, j: 4 },
  ...{ "\x80": 1, "\x95": 8, "\x82": 1, "\x83": 2, "\x84": 4 },
};
/** Bytes of the lengths that stand before the arguments. */
const COUNTED: Readonly<Record<string, number>> = {
  ...{ U: 1, T: 4, X: 4, B: 4, C: 1 },
  ...{ "\x8c": 1, "\x8d": 8, "\x8e": 8, "\x96": 8, "\x8a": 1, "\x8b": 4 },
};
/** Lines of the arguments. */
const LINES: Readonly<Record<string, number>> = { I: 1, L: 1, F: 1, S: 1, V: 1, p: 1, g: 1, P: 1, c: 2, i: 2 };
const STOP = ".";

/** The operations from `at` to the end of that pickle; null where there is none. */
function operationsFrom(bytes: Uint8Array, at: number): { operations: Operation[]; end: number } | null {
  const operations: Operation[] = [];
  while (at < bytes.length) {
    const code = bytes[at++];
    const letter = String.fromCharCode(code);
    const lengthBytes = COUNTED[letter] ?? 0;
    let length = FIXED[letter] ?? 0;
    for (let i = 0; i < lengthBytes; i++) length += bytes[at + i] * 2 ** (8 * i);
    at += lengthBytes;
    for (let line = 0, end = at; line < (LINES[letter] ?? 0); line++) {
      end = bytes.indexOf(0x0a, end) + 1;
      if (end === 0) return null;
      length = end - at;
    }
    if (!(at + length <= bytes.length)) return null;
    operations.push({ code, lengthBytes, content: bytes.slice(at, at + length) });
    at += length;
    if (letter === STOP) return { operations, end: at };
  }
  return null;
}

function written(operations: readonly Operation[]): Uint8Array {
  return concat(
    ...operations.flatMap(({ code, lengthBytes, content }) => [
      Uint8Array.of(code),
      integerBytes(BigInt(content.length), lengthBytes),
      content,
    ]),
  );
}

/** Places of `bytes` where a pickle of protocol 2 to 5 begins. */
function pickles(bytes: Uint8Array): number[] {
  const found: number[] = [];
  for (let at = bytes.indexOf(0x80); at >= 0; at = bytes.indexOf(0x80, at + 1)) {
    if (bytes[at + 1] < 2 || bytes[at + 1] > 5) continue;
    const pickle = operationsFrom(bytes, at);
    if (!pickle) continue;
    found.push(at);
    at = pickle.end - 1;
  }
  return found;
}

const operation = (text: string): Operation => ({
  code: text.charCodeAt(0),
  lengthBytes: 0,
  content: Uint8Array.from(text.slice(1), (letter) => letter.charCodeAt(0)),
});

const GLOBALS = [
  ...["os\nsystem", "builtins\neval", "builtins\nlist", "builtins\ndict", "builtins\nbytearray", "builtins\nstr"],
  ...["collections\nOrderedDict", "collections\ndefaultdict", "_codecs\nencode", "copyreg\n_reconstructor"],
  ...["argparse\nNamespace", "pathlib\nPosixPath", "torch\nSize", "torch\ndevice", "torch\nFloatStorage"],
  ...["torch._utils\n_rebuild_tensor_v2", "torch._utils\n_rebuild_parameter", "torch._tensor\n_rebuild_from_type_v2"],
  ...["numpy\ndtype", "numpy\nndarray", "numpy.core.multiarray\n_reconstruct", "numpy.core.multiarray\nscalar"],
];

/** Operations without arguments, and a few with. */
const PALETTE: readonly Operation[] = [
  ...[..."(012N}])tlaesudRbo"].map(operation),
  ...["\x81", "\x85", "\x86", "\x87", "\x88", "\x89", "\x8f", "\x90", "\x91", "\x92", "\x93", "\x94"].map(operation),
  ...[
    "q\x00",
    "q\x01",
    "h\x00",
    "h\x01",
    "h\x02",
    "h\x05",
    "Q",
    "K\x00",
    "K\xff",
    "M\xff\xff",
    "J\xff\xff\xff\xff",
  ].map(operation),
  ...GLOBALS.map((names) => operation(`c${names}\n`)),
];

/** Mutates one of the pickles that stand in `bytes`. */
export const mutatePickle: Mutation = (bytes, random, others) => {
  const places = pickles(bytes);
  if (places.length === 0) return mutateBytes(bytes, random, others);
  const at = pick(places, random);
  const { operations, end } = operationsFrom(bytes, at)!;
  const changed = mutateOperations(operations, random, () => foreign(random, others) ?? operations);
  return concat(bytes.subarray(0, at), written(changed), bytes.subarray(end));
};

/** The operations of a pickle in one of the others. */
function foreign(random: Random, others: readonly Uint8Array[]): Operation[] | null {
  if (others.length === 0) return null;
  const other = pick(others, random);
  const places = pickles(other);
  return places.length === 0 ? null : operationsFrom(other, pick(places, random))!.operations;
}

function mutateOperations(operations: Operation[], random: Random, other: () => Operation[]): Operation[] {
  const at = random.integer(0, operations.length);
  const run = (list: readonly Operation[]) => {
    const from = random.integer(0, list.length);
    return list.slice(from, from + random.integer(1, 12));
  };
  switch (random.integer(0, 7)) {
    case 0:
      return operations.toSpliced(at, random.integer(1, 4));
    case 1:
      return operations.toSpliced(at, 0, pick(PALETTE, random));
    case 2:
      return operations.toSpliced(at, 1, pick(PALETTE, random));
    case 3:
      return operations.toSpliced(
        at,
        0,
        ...Array(pick([1, 1, 4, 300], random))
          .fill(run(operations))
          .flat(),
      );
    case 4:
      return operations.toSpliced(at, random.integer(0, 3), ...run(other()));
    case 5:
      return operations.with(at, operations[random.integer(0, operations.length)]);
    default:
      return mutateArgument(operations, at, random);
  }
}

/** Changes the argument of the first operation from `at` that has one. */
function mutateArgument(operations: Operation[], at: number, random: Random): Operation[] {
  const place = operations.findIndex(({ content }, i) => i >= at && content.length > 0);
  if (place < 0) return operations;
  const { content, ...rest } = operations[place];
  const isNumber = rest.lengthBytes === 0 && String.fromCharCode(rest.code) in FIXED;
  const changed = isNumber
    ? integerBytes(pick(INTEGERS, random), content.length)
    : mutateBytes(content, random, [content]);
  return operations.with(place, { ...rest, content: changed });
}
