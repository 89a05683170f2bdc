/** The layers of a network whose names say nothing, from its tensors' shapes and their order. */
import type { State, StateTensor } from "@pspnet/checkpoints";

/** A convolution, and the batch norm that stands behind it. */
export interface Convolution {
  /** Of its module: `encoder.stem.0`. */
  readonly path: string;
  readonly inputs: number;
  readonly outputs: number;
  /** Side of the kernel. */
  readonly kernel: number;
  readonly biased: boolean;
  /** Path of the batch norm; null when none follows. */
  readonly norm: string | null;
}

/** A network's modules in order. */
export interface Layers {
  readonly convolutions: readonly Convolution[];
  /** Paths of what is none, nor the batch norm of one: linear layers, PReLUs, batch norms that stand alone. */
  readonly others: readonly string[];
}

interface Unit {
  readonly path: string;
  readonly tensors: ReadonlyMap<string, StateTensor>;
}

const NORM = ["weight", "bias", "running_mean", "running_var"];

/**
 * The layers in the order of their definition. Convolutions and batch norms come in runs, `conv1 bn1 conv2 bn2` or `conv1 conv2 bn1 bn2`: of a run the last convolutions have
 * its batch norms, in order.
 */
export function layersOf(state: State): Layers {
  const found = unitsOf(state);
  const units = isSorted([...state.keys()]) ? byCount(found) : found;
  const convolutions: Convolution[] = [];
  const others: string[] = [];
  let [open, norms]: [Unit[], Unit[]] = [[], []];
  const close = () => {
    const last = open.slice(open.length - norms.length);
    const fit = norms.length <= open.length && norms.every((norm, i) => channelsOf(norm) === outputsOf(last[i]));
    if (!fit) others.push(...norms.map(({ path }) => path));
    for (const unit of open)
      convolutions.push(convolutionOf(unit, fit ? (norms[last.indexOf(unit)]?.path ?? null) : null));
    [open, norms] = [[], []];
  };
  for (const unit of units) {
    if (isConvolution(unit)) {
      if (norms.length > 0) close();
      open.push(unit);
    } else if (isNorm(unit)) norms.push(unit);
    else others.push(unit.path);
  }
  close();
  return { convolutions, others };
}

/** Formats that sort names have lost the order of definition. */
function isSorted(names: readonly string[]): boolean {
  return names.every((name, i) => i === 0 || name > names[i - 1]);
}

/** As code would define them: counted, and of a module convolutions first, unless both are counted by one word. */
function byCount(units: readonly Unit[]): Unit[] {
  const word = ({ path }: Unit) => path.replace(/\d+$/, "");
  const [those, others] = [true, false].map(
    (is) => new Set(units.filter((unit) => isConvolution(unit) === is).map(word)),
  );
  const rank = (unit: Unit) => (those.has(word(unit)) || !others.has(word(unit)) ? 1 : 2);
  const placed = units.map((unit) => ({ unit, places: placesOf(unit.path, rank(unit)) }));
  return placed.sort((a, b) => compare(a.places, b.places)).map(({ unit }) => unit);
}

/** Where each part of a path stands among its like: by number, or layers by their rank before groups of layers, by name. */
function placesOf(path: string, rank: number): string[] {
  const parts = path.split(".");
  const rankOf = (i: number) => (i === parts.length - 1 ? rank : 3);
  return parts.map((part, i) => (/^\d+$/.test(part) ? part : `a${rankOf(i)} ${part}`));
}

function compare(a: readonly string[], b: readonly string[]): number {
  const at = a.findIndex((part, i) => part !== b[i]);
  if (at < 0) return a.length - b.length;
  return at < b.length ? a[at].localeCompare(b[at], "en", { numeric: true }) : 1;
}

/** A tensor's name in the module of a path. */
export function nameOf(path: string, leaf: string): string {
  return path === "" ? leaf : `${path}.${leaf}`;
}

function unitsOf(state: State): Unit[] {
  const units = new Map<string, Map<string, StateTensor>>();
  for (const [name, tensor] of state) {
    const end = name.lastIndexOf(".");
    const [path, leaf] = [name.slice(0, Math.max(0, end)), name.slice(end + 1)];
    if (leaf === "num_batches_tracked") continue;
    units.set(path, (units.get(path) ?? new Map()).set(leaf, tensor));
  }
  return [...units].map(([path, tensors]) => ({ path, tensors }));
}

function isConvolution({ tensors }: Unit): boolean {
  const shape = tensors.get("weight")?.shape ?? [];
  const [outputs, , height, width] = shape;
  const leaves = [...tensors.keys()].every((leaf) => leaf === "weight" || leaf === "bias");
  return shape.length === 4 && height === width && leaves && (tensors.get("bias")?.shape[0] ?? outputs) === outputs;
}

function isNorm({ tensors }: Unit): boolean {
  const size = tensors.get("weight")?.shape.join();
  return tensors.size === NORM.length && NORM.every((leaf) => tensors.get(leaf)?.shape.join() === size);
}

function channelsOf({ tensors }: Unit): number {
  return tensors.get("weight")!.shape[0];
}

const outputsOf = channelsOf;

function convolutionOf({ path, tensors }: Unit, norm: string | null): Convolution {
  const [outputs, inputs, kernel] = tensors.get("weight")!.shape;
  return { path, inputs, outputs, kernel, biased: tensors.has("bias"), norm };
}
