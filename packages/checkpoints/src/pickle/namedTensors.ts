import { PspnetError } from "../error.js";
import { checkCount, checkName } from "../limits.js";
import type { State, StateTensor } from "../tensor.js";
import { NumpyArray } from "./numpy.js";
import { isPickledTensor, PickledObject, type PickledTensor, PickledText, textOf } from "./values.js";

/** What a pickle holds: weights, tensors beside them, and the rest as plain values. */
export interface NamedTensors {
  readonly state: State;
  readonly beside: State;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** What training scripts call the dictionary of the weights. */
const WEIGHTS = ["state_dict", "model_state_dict", "model_state", "model", "network", "net", "weights"];
/** What else of theirs holds tensors. */
const OTHERS = /optim|sched|scaler|ema|amp|rng|epoch|loss|criterion|metric|meta|args|config|message_hub/i;
/** No checkpoint is nested deeper. */
const MAX_DEPTH = 64;

type Place = readonly [path: readonly string[], tensor: PickledTensor];

/**
 * Sorts out a pickle's value. Names are the keys on the way to a tensor, joined by dots; the way to the weights
 * themselves (`state_dict`, or the one dictionary of dotted names) is left off.
 */
export function namedTensors(root: unknown): NamedTensors {
  const places: Place[] = [];
  const seen = new Set<unknown>();
  const plain = walk(root, [], { places, seen });
  const some = places.some(([path]) => !OTHERS.test(path[0]));
  const prefix = prefixOfWeights(places, some);
  const isWeight = ([path]: Place) =>
    prefix.every((key, i) => path[i] === key) && (prefix.length > 0 || !(some && isOther(path)));
  const state = named(places.filter(isWeight), prefix.length);
  const beside = named(
    places.filter((place) => !isWeight(place)),
    0,
  );
  return { state, beside, metadata: isRecord(plain) ? plain : {} };
}

function named(places: readonly Place[], skip: number): State {
  const state = new Map<string, StateTensor>();
  for (const [path, tensor] of places) {
    const name = path.slice(skip).join(".");
    if (name === "") throw new PspnetError("format", "expected tensors by name, found one tensor");
    checkName(name);
    if (state.has(name)) throw new PspnetError("format", `${name}: two tensors have this name`);
    state.set(name, tensor.tensor(name));
  }
  return state;
}

/** Keys from the file's top to the dictionary of weights. */
function prefixOfWeights(places: readonly Place[], some: boolean): readonly string[] {
  const prefix: string[] = [];
  for (;;) {
    const within = places.filter(
      ([path]) => path.length > prefix.length + 1 && prefix.every((key, i) => path[i] === key),
    );
    const keys = new Set(within.map(([path]) => path[prefix.length]));
    const next = WEIGHTS.find((key) => keys.has(key)) ?? onlyKey({ places, within, some }, prefix.length);
    if (next === undefined) return prefix;
    prefix.push(next);
  }
}

interface Candidates {
  readonly places: readonly Place[];
  /** Those below the keys so far. */
  readonly within: readonly Place[];
  /** Whether there are any but an optimiser's or the like. */
  readonly some: boolean;
}

/** The one key that leads to tensors, if those have a state_dict's dotted names. */
function onlyKey({ places, within, some }: Candidates, depth: number): string | undefined {
  const candidates = within.filter(([path]) => depth > 0 || !(some && isOther(path)));
  const keys = new Set(candidates.map(([path]) => path[depth]));
  const dotted = candidates.every(([path]) => path[depth + 1].includes("."));
  const beside = places.some(([path]) => path.length === depth + 1);
  return keys.size === 1 && dotted && !beside ? candidates[0][0][depth] : undefined;
}

/** Of an optimiser or the like; a tensor that stands at the top itself is never that. */
function isOther(path: readonly string[]): boolean {
  return path.length > 1 && OTHERS.test(path[0]);
}

interface Walk {
  readonly places: Place[];
  /** Containers that were met: each is gone through once, so neither circles nor sharing cost anything. */
  readonly seen: Set<unknown>;
}

/** Notes the tensors below `value`, and gives what is left of it as plain values; undefined for nothing. */
function walk(value: unknown, path: readonly string[], into: Walk): unknown {
  if (value instanceof NumpyArray && value.objects) {
    if (into.seen.has(value)) return undefined;
    into.seen.add(value);
    return walk(contentOf(value), path, into);
  }
  if (value instanceof NumpyArray && !value.type.dtype) return `array of ${value.type.code}`;
  if (isPickledTensor(value)) {
    into.places.push([path, value]);
    checkCount(into.places.length);
    return undefined;
  }
  if (value instanceof PickledText) return value.bytes.length > 1_000_000 ? undefined : value.toString();
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return value;
  if ("call" in value && "name" in value) return value.name;
  if (into.seen.has(value)) return undefined;
  into.seen.add(value);
  if (path.length >= MAX_DEPTH) {
    throw new PspnetError("format", `${path.slice(0, 8).join(".")} ...: nested deeper than ${MAX_DEPTH}`);
  }
  if (Array.isArray(value)) return value.map((item, i) => walk(item, [...path, String(i)], into) ?? null);
  const entries = value instanceof PickledObject ? value.attributes : value;
  if (!(entries instanceof Map)) return undefined;
  // fromEntries makes own properties, of "__proto__" too.
  return Object.fromEntries(
    [...entries].flatMap(([key, item]) => {
      const name = keyText(key);
      const plain = walk(item, [...path, name], into);
      return plain === undefined ? [] : [[name, plain]];
    }),
  );
}

/** Numbers and the like as Python shows them; of what may be nested, no more than that. */
function keyText(key: unknown): string {
  return textOf(key) ?? (typeof key === "object" && key !== null ? "(...)" : String(key));
}

/** A dictionary that was saved by NumPy is the one element of an array. */
function contentOf({ shape, objects = [] }: NumpyArray): unknown {
  return Array.isArray(shape) && shape.length === 0 ? objects[0] : objects;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
