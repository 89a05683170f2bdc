import type { Checkpoint, CheckpointFile } from "./checkpoint.js";
import { PspnetError } from "./error.js";
import { FORMATS } from "./formats/formats.js";
import { notWeights } from "./formats/notWeights.js";
import type { State, StateTensor } from "./tensor.js";

/**
 * The named tensors of a checkpoint, whose format its bytes tell, never its name. Several files are one checkpoint: a
 * format's own parts, or files of their own, as where encoder and decoder were saved apart.
 *
 * Nothing in a file is executed, and memory and time are bounded by its size. Values are made when they are asked for,
 * from views of the bytes: keep those as they are while the tensors are in use.
 *
 * @throws PspnetError "format" that names the file, the place in it, and what was expected.
 */
export function readCheckpoint(files: readonly CheckpointFile[]): Checkpoint {
  if (files.length === 0) throw new PspnetError("usage", "readCheckpoint: expected a file, found none");
  const rest = new Set(files);
  const read: Checkpoint[] = [];
  for (const file of files) {
    const format = rest.has(file) ? FORMATS.find(({ recognises }) => recognises(file.bytes)) : undefined;
    if (!format) continue;
    rest.delete(file);
    const checkpoint = placed(file.name, () => format.read(file, { files, used: (other) => rest.delete(other) }));
    read.push(withFileNames(checkpoint, file.name));
  }
  for (const file of rest) throw new PspnetError("format", `${file.name}: ${notWeights(file.bytes)}`);
  return read.reduce(together);
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

function withFileNames(checkpoint: Checkpoint, name: string): Checkpoint {
  const lazily = (state: State): State =>
    new Map([...state].map(([key, tensor]): [string, StateTensor] => [key, placedTensor(name, tensor)]));
  const { state, beside } = checkpoint;
  if (state.size === 0) throw new PspnetError("format", `${name}: expected tensors by name, found none`);
  return { ...checkpoint, state: lazily(state), beside: lazily(beside) };
}

function placedTensor(name: string, { shape, dtype, float32 }: StateTensor): StateTensor {
  return { shape, dtype, float32: () => placed(name, float32) };
}

/** Runs `read`, whose errors do not know the file. */
function placed<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof PspnetError)) throw error;
    throw new PspnetError(error.code, `${name}: ${error.message}`, { cause: error });
  }
}
