import { readFile } from "node:fs/promises";
import {
  type Backend,
  type ClassList,
  graphBackend,
  loadStateDict,
  type ModelDescription,
  PSPNet,
  PspnetError,
  parseDescription,
  readSafetensors,
  type State,
} from "@pspnet/core";

/** What a weights file holds. */
export interface Weights {
  /** The file's path, for messages; "weights" for bytes. */
  readonly source: string;
  readonly bytes: Uint8Array;
  /** Whether the bytes were read for this and nobody else has them. */
  readonly owned: boolean;
  readonly description: ModelDescription;
  /** Views of the bytes. */
  readonly state: State;
}

export interface LoadedModel {
  readonly model: PSPNet;
  readonly description: ModelDescription;
}

/**
 * The weights of a file that describes itself.
 *
 * @param file its path, or its bytes.
 * @throws PspnetError "usage" for a file that cannot be read, "format" or "weights" for one that does not hold a PSPNet.
 */
export async function readWeights(
  file: string | Uint8Array,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<Weights> {
  if (typeof file !== "string") return parseWeights(file, { source: "weights", owned: false });
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file, { signal });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new PspnetError("usage", `${file}: expected a readable weights file (${(cause as Error).message})`, {
      cause,
    });
  }
  return parseWeights(bytes, { source: file, owned: true });
}

/** As {@link readWeights}, of a file's bytes. */
export function parseWeights(bytes: Uint8Array, { source, owned }: Pick<Weights, "source" | "owned">): Weights {
  return naming(source, () => {
    const { metadata, tensors } = readSafetensors(bytes);
    const description = parseDescription(metadata, { source });
    checkShapes(description, tensors);
    return { source, bytes, owned, description, state: tensors };
  });
}

/** A network with weights that have been read. */
export function buildModel({ description, state }: Weights, backend: Backend): PSPNet {
  const model = new PSPNet(description.config);
  loadStateDict(model, state, { backend });
  return model;
}

/** A network with the weights of a file: {@link readWeights} and {@link buildModel}. */
export async function loadModel(file: string, backend: Backend): Promise<LoadedModel> {
  const weights = await readWeights(file);
  return { model: buildModel(weights, backend), description: weights.description };
}

/** Whether every tensor is there and of the right shape, without looking at values. */
function checkShapes({ config }: ModelDescription, state: State): void {
  const none = new Float32Array();
  const shapes = [...state].map(([name, tensor]) => [name, { ...tensor, float32: () => none }] as const);
  loadStateDict(new PSPNet(config), new Map(shapes), { backend: graphBackend });
}

/** Puts the file's name before what is wrong with it. */
function naming<R>(source: string, work: () => R): R {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof PspnetError) || cause.message.startsWith(source)) throw cause;
    throw new PspnetError(cause.code, `${source}: ${cause.message}`, { cause });
  }
}

/**
 * Refuses to score weights on labels that mean something else.
 *
 * @throws PspnetError "weights" when the class names differ in number or order.
 */
export function checkClasses(
  { classes }: ModelDescription,
  dataset: { readonly classes: ClassList },
  file: string,
): void {
  const expected = dataset.classes.names;
  const found = classes.names;
  const at = expected.findIndex((name, id) => name.toLowerCase() !== found[id]?.toLowerCase());
  if (expected.length === found.length && at < 0) return;
  const difference =
    expected.length === found.length
      ? `class ${at} is "${expected[at]}" there and "${found[at]}" here`
      : `${expected.length} classes there, ${found.length} here`;
  throw new PspnetError(
    "weights",
    `${file}: its classes are not those of the dataset: ${difference}; give the dataset that it was trained on`,
  );
}
