import { refuseBomb } from "./archive/inflate.js";
import type { Checkpoint, CheckpointFile } from "./checkpoint.js";
import { PspnetError } from "./error.js";
import type { Format } from "./formats/format.js";
import { FORMATS } from "./formats/formats.js";
import { notWeights } from "./formats/notWeights.js";
import { shortened } from "./limits.js";
import { byteLength } from "./pieces.js";
import type { State } from "./tensor.js";

/**
 * The named tensors of a checkpoint, whose format its bytes tell, never its name. Several files are one checkpoint,
 * as where encoder and decoder were saved apart, or an index and its data; those belong together by their names.
 *
 * Nothing in a file is executed, and memory and time are bounded by its size. Values are made when they are asked for,
 * from views of the bytes: keep those as they are while the tensors are in use.
 *
 * @throws PspnetError "format" that names the file, the place in it, and what was expected.
 */
export function readCheckpoint(files: readonly CheckpointFile[]): Checkpoint {
  if (files.length === 0) throw new PspnetError("usage", "readCheckpoint: expected a file, found none");
  const known = files.map((file) => ({ file, format: FORMATS.find(({ recognises }) => recognises(file.bytes)) }));
  const partsOf = ({ file, format }: KnownFile) =>
    files.filter((part) => part !== file && format?.hasPart?.(part.name, file.name));
  const parts = new Set(known.flatMap(partsOf));
  const checkpoint = known
    .filter(({ file }) => !parts.has(file))
    .map((whole) => readFile(whole, partsOf(whole)))
    .reduce(together);
  placed(files[0].name, () => refuseBomb(byteLength(files.map(({ bytes }) => bytes)), float32Bytes(checkpoint)));
  return checkpoint;
}

/** What all values take: tensors may share a file's elements. */
function float32Bytes({ state, beside }: Checkpoint): number {
  return [...state.values(), ...beside.values()].reduce(
    (sum, { shape }) => sum + shape.reduce((product, size) => product * size, 4),
    0,
  );
}

interface KnownFile {
  readonly file: CheckpointFile;
  readonly format: Format | undefined;
}

function readFile({ file, format }: KnownFile, parts: readonly CheckpointFile[]): Checkpoint {
  return placed(file.name, () => {
    if (!format) throw new PspnetError("format", notWeights(file));
    return withPlacedTensors(format.read(file.bytes, parts), file.name);
  });
}

function together(a: Checkpoint, b: Checkpoint): Checkpoint {
  for (const name of b.state.keys()) {
    if (a.state.has(name)) {
      throw new PspnetError("format", `${name}: two of the files have it; give the files of one network`);
    }
  }
  return {
    format: a.format,
    state: new Map([...a.state, ...b.state]),
    beside: new Map([...a.beside, ...b.beside]),
    metadata: { ...b.metadata, ...a.metadata },
  };
}

/** Tensors whose errors, too, name the file when their values are made. */
function withPlacedTensors(checkpoint: Checkpoint, name: string): Checkpoint {
  const lazily = (state: State): State =>
    new Map(
      [...state].map(([key, tensor]) => [key, { ...tensor, float32: () => placed(name, () => tensor.float32()) }]),
    );
  const { state, beside } = checkpoint;
  if (state.size === 0) throw new PspnetError("format", "expected tensors by name, found none");
  return { ...checkpoint, state: lazily(state), beside: lazily(beside) };
}

/** Runs `read`, whose errors do not know the file. */
function placed<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof PspnetError)) throw error;
    throw new PspnetError(error.code, `${name}: ${shortened(error.message)}`, { cause: error });
  }
}
