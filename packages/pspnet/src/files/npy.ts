import { PspnetError, type Shape } from "@pspnet/core";

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]; // "\x93NUMPY", version 1.0
const ALIGNMENT = 64;

/**
 * A float32 array as NumPy's `.npy`, in two pieces: header and data (not copied). Row-major; the data begin at a multiple of 64.
 *
 * @throws PspnetError "format" when the shape does not have as many values.
 */
export function encodeNpy(values: Float32Array, shape: Shape): [Uint8Array, Uint8Array] {
  checkCount(values.length, shape);
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${sizes}), }`;
  const before = MAGIC.length + 2;
  const length = Math.ceil((before + text.length + 1) / ALIGNMENT) * ALIGNMENT - before;
  const header = new Uint8Array(before + length).fill(0x20);
  header.set(MAGIC);
  new DataView(header.buffer).setUint16(MAGIC.length, length, true);
  header.set(new TextEncoder().encode(text), before);
  header[header.length - 1] = 0x0a;
  return [header, new Uint8Array(values.buffer, values.byteOffset, values.byteLength)];
}

/**
 * Reads what {@link encodeNpy} writes.
 *
 * @throws PspnetError "format" for anything but a row-major float32 array of version 1.0.
 */
export function decodeNpy(bytes: Uint8Array): { readonly values: Float32Array; readonly shape: Shape } {
  const start = bytes.length > 10 ? 10 + new DataView(bytes.buffer, bytes.byteOffset).getUint16(8, true) : 0;
  const text = new TextDecoder().decode(bytes.subarray(10, start));
  const match = /'descr': '<f4', 'fortran_order': False, 'shape': \(([\d, ]*)\)/.exec(text);
  if (MAGIC.some((byte, i) => bytes[i] !== byte) || !match) {
    throw new PspnetError(
      "format",
      "npy: expected a row-major float32 array of format 1.0; in NumPy: np.save(file, array.astype('<f4', order='C'))",
    );
  }
  const shape = match[1]
    .split(",")
    .filter((part) => part.trim() !== "")
    .map(Number);
  const data = new Uint8Array(bytes.subarray(start)); // a copy: slice of a Buffer would be none
  checkCount(data.length / 4, shape);
  return { values: new Float32Array(data.buffer), shape };
}

function checkCount(count: number, shape: Shape): void {
  const expected = shape.reduce((product, size) => product * size, 1);
  if (count === expected) return;
  throw new PspnetError("format", `npy of shape [${shape}]: expected ${expected} values, found ${count}`);
}
