// Pickles of protocols 0 to 5, read without running anything: https://github.com/python/cpython/blob/main/Lib/pickletools.py
import { ByteReader, latin1 } from "../byteReader.js";
import { PspnetError } from "../error.js";
import { keyOf } from "./python.js";
import { type Globals, type PickledGlobal, PickledObject, PickledText, textOf } from "./values.js";

/** Shorter text is decoded at once, longer text where it is used. */
const LONG_TEXT = 1024;
/** Python's integers have no limit; those of a checkpoint do. */
const MAX_INTEGER_BYTES = 256;
/** Each leaves an object of some hundred bytes at most. A checkpoint of a thousand tensors has 50,000. */
const MAX_OPERATIONS = 2_000_000;

export interface PickleOptions {
  /** The closed list of what a pickle may name. */
  readonly globals: Globals;
  /** What stands outside the pickle, such as a tensor's storage. */
  readonly persistent?: (id: unknown) => unknown;
}

/** The value of the next pickle of `reader`, which is left after it. */
export function unpickle(reader: ByteReader, options: PickleOptions): unknown {
  return new Unpickler(reader, options).run();
}

/** A mark on the stack, where a list of values begins. */
const MARK = Symbol("mark");

class Unpickler {
  readonly #reader: ByteReader;
  readonly #options: PickleOptions;
  readonly #stack: unknown[] = [];
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, unknown>();
  #budget: number;

  constructor(reader: ByteReader, options: PickleOptions) {
    this.#reader = reader;
    this.#options = options;
    this.#budget = 8 * reader.bytes.byteLength + 1_000_000;
  }

  run(): unknown {
    for (let count = 0; count < MAX_OPERATIONS; count++) {
      const code = this.#reader.u8();
      if (code === 0x2e) return this.#pop(); // STOP
      const operation = OPERATIONS.get(code);
      if (!operation) this.fail(`expected an operation of pickle, found byte 0x${code.toString(16).padStart(2, "0")}`);
      operation(this, this.#reader);
    }
    this.fail(`expected at most ${MAX_OPERATIONS} operations; this is no pickle of a checkpoint`);
  }

  push(value: unknown): void {
    this.#stack.push(value);
  }

  pop(): unknown {
    return this.#pop();
  }

  top(): unknown {
    if (this.#stack.length === 0 || this.#stack.at(-1) === MARK) this.fail("expected a value on the stack");
    return this.#stack.at(-1);
  }

  mark(): void {
    this.#marks.push(this.#stack.length);
    this.#stack.push(MARK);
  }

  /** The values since the last mark, which go with it. */
  sinceMark(): unknown[] {
    const mark = this.#marks.pop();
    if (mark === undefined) this.fail("expected a mark on the stack");
    const values = this.#stack.splice(mark);
    values.shift();
    return values;
  }

  /** POP, which may take a mark. */
  drop(): void {
    if (this.#stack.at(-1) === MARK) this.#marks.pop();
    if (this.#stack.length === 0) this.fail("expected a value on the stack");
    this.#stack.pop();
  }

  put(index: number): void {
    this.#memo.set(index, this.top());
  }

  memoize(): void {
    this.put(this.#memo.size);
  }

  get(index: number): void {
    if (!this.#memo.has(index)) this.fail(`expected an earlier value in place ${index} of the memo`);
    this.push(this.#memo.get(index));
  }

  global(module: string, name: string): PickledGlobal {
    const full = `${module}.${name}`;
    if (Object.hasOwn(this.#options.globals, full)) return { name: full, call: this.#options.globals[full] };
    // A class that a TorchScript archive defines itself: its attributes are what is read of it.
    if (full.startsWith("__torch__.")) return { name: full, call: () => new PickledObject(full) };
    this.#refuse(full);
  }

  call(callee: unknown, args: unknown): void {
    if (typeof callee !== "object" || callee === null || !("call" in callee)) {
      this.fail("expected a class or function to call");
    }
    if (!Array.isArray(args)) this.fail("expected arguments in a tuple");
    const { name, call } = callee as PickledGlobal;
    try {
      this.push(call(args, (size) => this.#spend(size)));
    } catch (error) {
      if (!(error instanceof PspnetError)) throw error;
      this.fail(`${name}: ${error.message}`);
    }
  }

  persistent(id: unknown): void {
    if (!this.#options.persistent) this.fail("expected no reference to data outside the pickle");
    this.push(this.#options.persistent(id));
  }

  append(values: readonly unknown[]): void {
    const list = this.top();
    if (!Array.isArray(list)) this.fail("expected a list to append to");
    for (const value of values) list.push(value);
  }

  setItems(pairs: readonly unknown[]): void {
    const dictionary = this.top();
    if (!(dictionary instanceof Map)) this.fail("expected a dictionary to put items in");
    if (pairs.length % 2) this.fail("expected a value for each key");
    for (let i = 0; i < pairs.length; i += 2) dictionary.set(keyOf(pairs[i]), pairs[i + 1]);
  }

  build(): void {
    const state = this.#pop();
    const object = this.top();
    if (typeof object === "object" && object !== null && "build" in object && typeof object.build === "function") {
      object.build(state, (size: number) => this.#spend(size));
    } else if (!(object instanceof Map) && !Array.isArray(object)) {
      this.fail("expected an object that has a state");
    } // else the attributes of a dictionary or list, such as a state_dict's `_metadata`.
  }

  fail(problem: string): never {
    this.#reader.fail(problem);
  }

  #pop(): unknown {
    const value = this.top();
    this.#stack.pop();
    return value;
  }

  #spend(size: number): void {
    this.#budget -= size;
    if (this.#budget < 0) this.fail("what it makes is many times larger than itself; this is no checkpoint");
  }

  #refuse(name: string): never {
    const mend = name.startsWith("torch.nn.modules.")
      ? "a whole network was saved: save its state_dict instead, torch.save(network.state_dict(), path)"
      : "nothing in a file is executed: save a state_dict of tensors and plain values alone";
    this.fail(`expected types of tensors and plain values, found ${name}; ${mend}`);
  }
}

type Operation = (machine: Unpickler, reader: ByteReader) => void;

const constant =
  (value: unknown): Operation =>
  (machine) =>
    machine.push(value);

/** Python 2's `str`: text, or an array's data. */
const byteText = (bytes: Uint8Array) => new PickledText(bytes, "latin-1");

function unicode(machine: Unpickler, bytes: Uint8Array): void {
  const text = new PickledText(bytes, "utf-8");
  machine.push(bytes.length < LONG_TEXT ? text.toString() : text);
}

/** The length of what follows, of which a file holds less than 2^53. */
const u64 = (reader: ByteReader) => reader.u64();

/** An integer as little-endian two's complement. */
function integer(bytes: Uint8Array): number | bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
  return plainInteger(BigInt.asIntN(8 * bytes.length, value));
}

function plainInteger(value: bigint): number | bigint {
  const plain = Number(value);
  return Number.isSafeInteger(plain) ? plain : value;
}

function long(machine: Unpickler, reader: ByteReader, length: number): void {
  if (!(length >= 0 && length <= MAX_INTEGER_BYTES)) {
    machine.fail(`expected an integer of at most ${MAX_INTEGER_BYTES} bytes, found ${length}`);
  }
  machine.push(integer(reader.take(length)));
}

/** INT and LONG of protocol 0: digits, `01` and `00` for truth values, an L at the end of long ones. */
function decimal(machine: Unpickler, reader: ByteReader): void {
  const text = asciiLine(reader);
  const isTruth = text === "01" || text === "00";
  machine.push(isTruth ? text === "01" : plainInteger(BigInt(digits(machine, text.replace(/L$/, "")))));
}

function digits(machine: Unpickler, text: string): string {
  if (!/^-?\d{1,300}$/.test(text)) machine.fail(`expected a whole number, found ${JSON.stringify(text.slice(0, 40))}`);
  return text;
}

function asciiLine(reader: ByteReader): string {
  const line = reader.line();
  if (line.length > LONG_TEXT) reader.fail(`expected a line of at most ${LONG_TEXT} bytes, found ${line.length}`);
  return latin1(line);
}

/** STRING of protocol 0: Python's notation of a `str`, in quotes, with escapes. */
function quoted(machine: Unpickler, reader: ByteReader): void {
  const line = reader.line();
  const quote = line[0];
  if (line.length < 2 || (quote !== 0x27 && quote !== 0x22) || line.at(-1) !== quote) {
    machine.fail("expected text in quotes");
  }
  machine.push(byteText(unescaped(line.subarray(1, -1))));
}

const ESCAPES: Readonly<Record<string, number>> = {
  "\\": 0x5c,
  "'": 0x27,
  '"': 0x22,
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
};

function unescaped(text: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(text.length);
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== 0x5c) {
      bytes[length++] = text[at];
      continue;
    }
    const letter = String.fromCharCode(text[++at] ?? 0);
    if (letter === "x") {
      bytes[length++] = Number.parseInt(latin1(text.subarray(at + 1, at + 3)), 16);
      at += 2;
    } else bytes[length++] = ESCAPES[letter] ?? letter.charCodeAt(0);
  }
  return bytes.subarray(0, length);
}

/** UNICODE of protocol 0: Latin-1 with \u escapes. */
function escapedUnicode(machine: Unpickler, reader: ByteReader): void {
  const text = latin1(reader.line()).replace(/\\u([0-9a-f]{4})/gi, (_, hex) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  if (text.length < LONG_TEXT) machine.push(text);
  else machine.push(new PickledText(new TextEncoder().encode(text), "utf-8"));
}

function stackGlobal(machine: Unpickler): void {
  const name = textOf(machine.pop());
  const module = textOf(machine.pop());
  if (name === undefined || module === undefined) machine.fail("expected the names of a module and of a class");
  machine.push(machine.global(module, name));
}

/** INST, OBJ: the class, then arguments since the mark. */
function object(machine: Unpickler): void {
  const [type, ...args] = machine.sinceMark();
  machine.call(type, args);
}

function reduce(machine: Unpickler): void {
  const args = machine.pop();
  machine.call(machine.pop(), args);
}

/** NEWOBJ_EX: with named arguments. */
function newObjectEx(machine: Unpickler): void {
  machine.pop();
  reduce(machine);
}

function refused(name: string): Operation {
  return (machine) => machine.fail(`expected a pickle that stands by itself, found ${name}`);
}

const tupleOf =
  (count: number): Operation =>
  (machine) => {
    const values = Array.from({ length: count }, () => machine.pop());
    machine.push(values.reverse());
  };

const setOne: Operation = (machine) => {
  const value = machine.pop();
  const key = machine.pop();
  machine.setItems([key, value]);
};

const appendOne: Operation = (machine) => {
  const value = machine.pop();
  machine.append([value]);
};

const collect: Operation = (machine) => machine.push(machine.sinceMark());

const setMany: Operation = (machine) => {
  const pairs = machine.sinceMark();
  machine.setItems(pairs);
};

const appendMany: Operation = (machine) => {
  const values = machine.sinceMark();
  machine.append(values);
};

/** By the letter of the protocol's text form, or the byte. */
const OPERATIONS: ReadonlyMap<number, Operation> = new Map(
  (
    [
      ["(", (m) => m.mark()],
      ["0", (m) => m.drop()],
      ["1", (m) => void m.sinceMark()],
      ["2", (m) => m.push(m.top())],
      ["F", (m, r) => m.push(Number(asciiLine(r)))],
      ["G", (m, r) => m.push(new ByteReader(r.take(8), r.place, 0, false).f64())],
      ["I", decimal],
      ["L", decimal],
      ["J", (m, r) => m.push(r.i32())],
      ["K", (m, r) => m.push(r.u8())],
      ["M", (m, r) => m.push(r.u16())],
      [0x8a, (m, r) => long(m, r, r.u8())],
      [0x8b, (m, r) => long(m, r, r.i32())],
      ["N", constant(null)],
      [0x88, constant(true)],
      [0x89, constant(false)],
      ["S", quoted],
      ["T", (m, r) => m.push(byteText(r.take(r.u32())))],
      ["U", (m, r) => m.push(byteText(r.take(r.u8())))],
      ["V", escapedUnicode],
      ["X", (m, r) => unicode(m, r.take(r.u32()))],
      [0x8c, (m, r) => unicode(m, r.take(r.u8()))],
      [0x8d, (m, r) => unicode(m, r.take(u64(r)))],
      ["B", (m, r) => m.push(r.take(r.u32()))],
      ["C", (m, r) => m.push(r.take(r.u8()))],
      [0x8e, (m, r) => m.push(r.take(u64(r)))],
      [0x96, (m, r) => m.push(r.take(u64(r)))],
      [0x97, refused("a buffer outside it")],
      [0x98, () => {}],
      ["}", (m) => m.push(new Map())],
      ["]", (m) => m.push([])],
      [")", (m) => m.push([])],
      [0x8f, (m) => m.push([])],
      ["d", (m) => newDictionary(m)],
      ["l", collect],
      ["t", collect],
      [0x91, collect],
      [0x85, tupleOf(1)],
      [0x86, tupleOf(2)],
      [0x87, tupleOf(3)],
      ["a", appendOne],
      ["e", appendMany],
      [0x90, appendMany],
      ["s", setOne],
      ["u", setMany],
      ["p", (m, r) => m.put(Number(digits(m, asciiLine(r))))],
      ["q", (m, r) => m.put(r.u8())],
      ["r", (m, r) => m.put(r.u32())],
      [0x94, (m) => m.memoize()],
      ["g", (m, r) => m.get(Number(digits(m, asciiLine(r))))],
      ["h", (m, r) => m.get(r.u8())],
      ["j", (m, r) => m.get(r.u32())],
      ["c", (m, r) => m.push(m.global(asciiLine(r), asciiLine(r)))],
      [0x93, stackGlobal],
      ["i", (m, r) => m.call(m.global(asciiLine(r), asciiLine(r)), m.sinceMark())],
      ["o", object],
      ["R", reduce],
      [0x81, reduce],
      [0x92, newObjectEx],
      ["b", (m) => m.build()],
      ["P", (m, r) => m.persistent(asciiLine(r))],
      ["Q", (m) => m.persistent(m.pop())],
      [0x80, (m, r) => protocol(m, r.u8())],
      [0x95, (_, r) => void r.take(8)],
      [0x82, refused("an extension")],
      [0x83, refused("an extension")],
      [0x84, refused("an extension")],
    ] as const satisfies readonly (readonly [string | number, Operation])[]
  ).map(([code, operation]): [number, Operation] => [typeof code === "string" ? code.charCodeAt(0) : code, operation]),
);

function newDictionary(machine: Unpickler): void {
  const pairs = machine.sinceMark();
  machine.push(new Map());
  machine.setItems(pairs);
}

function protocol(machine: Unpickler, version: number): void {
  if (version > 5) machine.fail(`expected a protocol of 0 to 5, found ${version}`);
}
