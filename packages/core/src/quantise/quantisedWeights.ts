import type { State, StateTensor, StoredTensor, WritableTensor } from "@pspnet/checkpoints";
import { fromFloat32 } from "@pspnet/checkpoints";
import { PspnetError } from "../error.js";
import { weightScales } from "../passes/quantise.js";

/** Beside int8 weights stands, under their name and this, what each output's whole numbers are multiplied by. */
const SCALE = "_scale";
/** Scales lie within, so that products are finite. */
const LARGEST_SCALE = 1e30;

/** Weights as int8, a scale for each output, where `names` says so; the others as float32. */
export function quantisedWeights(state: State, names: ReadonlySet<string>): Map<string, WritableTensor> {
  const tensors = new Map<string, WritableTensor>();
  for (const [name, { shape, float32 }] of state) {
    const data = float32();
    if (!names.has(name)) {
      tensors.set(name, { dtype: "float32", shape, bytes: fromFloat32(data, "float32") });
      continue;
    }
    const scales = weightScales({ shape, data });
    const size = data.length / shape[0];
    const levels = Int8Array.from(data, (value, i) => Math.round(value / scales[Math.floor(i / size)]));
    tensors.set(name, { dtype: "int8", shape, bytes: new Uint8Array(levels.buffer) });
    tensors.set(name + SCALE, { dtype: "float32", shape: [shape[0]], bytes: fromFloat32(scales, "float32") });
  }
  return tensors;
}

/**
 * The real numbers of a file's weights: those of int8 times their scales, which are no weights themselves.
 *
 * @throws PspnetError "format" for scales that are missing, of another shape, infinite, NaN, 0 or negative.
 */
export function realWeights(tensors: ReadonlyMap<string, StoredTensor>): Map<string, StateTensor> {
  const real = new Map<string, StateTensor>(tensors);
  for (const [name, tensor] of tensors) {
    if (tensor.dtype !== "int8") continue;
    const scales = scalesOf(name, tensor, tensors.get(name + SCALE));
    const size = tensor.shape.slice(1).reduce((product, side) => product * side, 1);
    const float32 = () => tensor.float32().map((level, i) => level * scales[Math.floor(i / size)]);
    real.set(name, { shape: tensor.shape, dtype: "int8", float32 });
    real.delete(name + SCALE);
  }
  return real;
}

function scalesOf(name: string, { shape }: StoredTensor, scale: StoredTensor | undefined): Float32Array {
  const expected = `${name}${SCALE}: expected a number above 0 for each of the ${shape[0] ?? 0} outputs of int8 weights`;
  const mend = "the file is damaged; make it anew with `pspnet quantise`";
  const refuse = (found: string): never => {
    throw new PspnetError("format", `${expected}, found ${found}; ${mend}`);
  };
  if (scale === undefined) return refuse("none");
  if (scale.shape.length !== 1 || scale.shape[0] !== shape[0]) return refuse(`[${scale.shape}]`);
  const values = scale.float32();
  const wrong = values.find((value) => !(value > 0 && value <= LARGEST_SCALE));
  return wrong === undefined ? values : refuse(String(wrong));
}
