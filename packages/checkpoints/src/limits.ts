/** What no honest file of weights passes, so that what a file costs is bounded by its size. */
import { PspnetError } from "./error.js";

/** NumPy's limit, as HDF5's, was 32 for long. */
export const RANK_MAX = 32;
/** Letters of a tensor's name. */
export const NAME_MAX = 1024;
/** Fields of one message of a protocol buffer, its tensors' elements not counted. */
export const FIELDS_MAX = 100_000;
/** Tensors of a file; a DenseNet-201's optimiser has some thousand. */
const TENSORS_MAX = 100_000;
/** Letters of a message's line. */
const LINE_MAX = 500;

/** @throws PspnetError "format" for a name that is longer than {@link NAME_MAX}. */
export function checkName(name: string): void {
  if (name.length <= NAME_MAX) return;
  throw new PspnetError(
    "format",
    `${name.slice(0, 40)}...: expected names of at most ${NAME_MAX} letters, found ${name.length}`,
  );
}

/** @throws PspnetError "format" for more tensors than {@link TENSORS_MAX}. */
export function checkCount(tensors: number): void {
  if (tensors <= TENSORS_MAX) return;
  throw new PspnetError("format", `expected at most ${TENSORS_MAX} tensors; this is no checkpoint`);
}

/** What may hold a file's own text, short enough to be read. */
export function shortened(message: string): string {
  return message.length > LINE_MAX ? `${message.slice(0, LINE_MAX)}...` : message;
}

/** A value of JSON for messages, however deep. */
export function brief(value: unknown): string {
  try {
    return shortened(JSON.stringify(value));
  } catch {
    return "what is nested too deep";
  }
}
