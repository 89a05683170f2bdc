import { PspnetError } from "../error.js";
import { type Globals, onlyNamed, type PickledGlobal, PickledObject, PickledText, textOf } from "./values.js";

/** Lists, tuples and sets are arrays here; what is made of one is that one, as nothing depends on a copy. */
const sequence = ([items = []]: readonly unknown[]) => {
  if (!Array.isArray(items)) throw new PspnetError("format", "expected a list");
  return items;
};

/** A dictionary from nothing, another one or a list of pairs. */
function dictionary([from]: readonly unknown[], spend: (size: number) => void): Map<unknown, unknown> {
  if (from instanceof Map || Array.isArray(from)) {
    spend(from instanceof Map ? from.size : from.length);
    return new Map([...from].map((pair): [unknown, unknown] => [keyOf(pair?.[0]), pair?.[1]]));
  }
  return new Map();
}

/** Dictionaries whose first argument says something else: what is missing, or how to make it. */
const emptyDictionary = () => new Map();

/** A dictionary's key: equal text is the same key. */
export function keyOf(value: unknown): unknown {
  return value instanceof PickledText ? value.toString() : value;
}

const number = ([value = 0]: readonly unknown[]) => value;

/** `codecs.encode(text, "latin1")`: how a pickle of protocol 2 has bytes. */
function encode([text, encoding]: readonly unknown[], spend: (size: number) => void): Uint8Array {
  const name = (textOf(encoding) ?? "").replace(/[-_]/g, "");
  const utf8 =
    text instanceof PickledText ? text.bytes : typeof text === "string" ? new TextEncoder().encode(text) : undefined;
  if (!utf8 || (name !== "latin1" && name !== "latin")) {
    throw new PspnetError("format", `expected text and "latin1", found ${typeof text} and ${JSON.stringify(name)}`);
  }
  spend(utf8.length);
  const bytes = new Uint8Array(utf8.length);
  let length = 0;
  for (let at = 0; at < utf8.length; length++) {
    const first = utf8[at++];
    if (first >= 0x80 && first !== 0xc2 && first !== 0xc3) {
      throw new PspnetError("format", "expected characters up to 255");
    }
    bytes[length] = first < 0x80 ? first : ((first & 3) << 6) | (utf8[at++] & 0x3f);
  }
  return bytes.subarray(0, length);
}

/** `copyreg._reconstructor(class, object, None)`: how protocols 0 and 1 make an instance. */
function reconstructor([type]: readonly unknown[], spend: (size: number) => void): unknown {
  if (typeof type !== "object" || type === null || !("call" in type) || typeof type.call !== "function") {
    throw new PspnetError("format", "expected a class");
  }
  return type.call([], spend);
}

/** What logs of mmengine hold beside numbers: `getattr(HistoryBuffer, "mean")`. */
const HISTORY = "mmengine.logging.history_buffer.HistoryBuffer";

/** Nothing but a method of theirs, which is named and never called. */
function attribute([owner, name]: readonly unknown[]): PickledGlobal {
  const found = typeof owner === "object" && owner !== null && "name" in owner ? owner.name : typeof owner;
  if (found !== HISTORY) throw new PspnetError("format", `expected a method of ${HISTORY}, found one of ${found}`);
  return { name: `${HISTORY}.${textOf(name)}`, call: onlyNamed };
}

const builtins: Globals = {
  list: sequence,
  tuple: sequence,
  set: sequence,
  frozenset: sequence,
  dict: dictionary,
  int: number,
  long: number,
  float: number,
  bool: number,
  str: ([text = ""]) => text,
  bytes: ([bytes = new Uint8Array()]) => bytes,
  bytearray: ([bytes = new Uint8Array(), encoding], spend) => (encoding ? encode([bytes, encoding], spend) : bytes),
  slice: (args) => args,
  complex: (args) => args,
  object: onlyNamed,
  getattr: attribute,
};

const withPrefix = (prefix: string, globals: Globals): Globals =>
  Object.fromEntries(Object.entries(globals).map(([name, call]) => [prefix + name, call]));

/** Classes of settings and logs that training leaves beside weights: read for what they hold, never run. */
const DICTIONARIES = [
  "addict.addict.Dict",
  "addict.Dict",
  "attrdict.dictionary.AttrDict",
  "easydict.EasyDict",
  "mmcv.utils.config.ConfigDict",
  "mmengine.config.config.ConfigDict",
  "munch.Munch",
  "pytorch_lightning.utilities.parsing.AttributeDict",
  "lightning_fabric.utilities.data.AttributeDict",
  "lightning.fabric.utilities.data.AttributeDict",
  "yacs.config.CfgNode",
  "fvcore.common.config.CfgNode",
  "collections.defaultdict",
  "collections.Counter",
] as const;

const OBJECTS = [
  "argparse.Namespace",
  "types.SimpleNamespace",
  HISTORY,
  "datetime.datetime",
  "datetime.timedelta",
] as const;

const PATHS = ["Path", "PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath"].flatMap((name) => [
  `pathlib.${name}`,
  `pathlib._local.${name}`,
]);

/** `PosixPath("runs", "a")` */
function path(parts: readonly unknown[], spend: (size: number) => void): string {
  const names = parts.map((part) => textOf(part) ?? "");
  spend(names.reduce((sum, name) => sum + name.length, 0));
  return names.join("/");
}

/** Python's own types, and those of others that hold settings. */
export const PYTHON: Globals = {
  ...withPrefix("builtins.", builtins),
  ...withPrefix("__builtin__.", builtins),
  "_codecs.encode": encode,
  "copy_reg._reconstructor": reconstructor,
  "copyreg._reconstructor": reconstructor,
  "collections.OrderedDict": dictionary,
  "collections.deque": sequence,
  ...Object.fromEntries(DICTIONARIES.map((name) => [name, emptyDictionary])),
  ...Object.fromEntries(OBJECTS.map((name) => [name, () => new PickledObject(name)])),
  ...Object.fromEntries(PATHS.map((name) => [name, path])),
};
