// Format specification, IV.A.2.b
import { RANK_MAX } from "../limits.js";
import type { Shape } from "../tensor.js";
import type { Hdf5Reader } from "./hdf5Reader.js";

const NULL_SPACE = 2;

/** The shape; [] of a scalar, [0] of nothing at all. */
export function readShape(reader: Hdf5Reader): Shape {
  const version = reader.version(1, 2);
  const rank = reader.u8();
  if (rank > RANK_MAX) reader.fail(`expected at most ${RANK_MAX} dimensions, found ${rank}`);
  reader.u8();
  const type = reader.u8();
  if (version === 1) reader.take(4);
  else if (type === NULL_SPACE) return [0];
  return Array.from({ length: rank }, () => reader.length());
}
