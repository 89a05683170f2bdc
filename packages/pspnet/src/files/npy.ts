import { PspnetError, type Shape } from "@pspnet/core";

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]; // "\x93NUMPY", version 1.0
const ALIGNMENT = 64;

/** A float32 array as NumPy's `.npy`, in two pieces: header and data. Row-major. */
export function encodeNpy(values: Float32Array, shape: Shape): [Uint8Array, Uint8Array] {
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
    throw new PspnetError("format", "npy: expected a row-major float32 array of format 1.0");
  }
  const shape = match[1]
    .split(",")
    .filter((part) => part.trim() !== "")
    .map(Number);
  const values = new Float32Array(bytes.slice(start).buffer);
  if (values.length !== shape.reduce((product, n) => product * n, 1)) {
    throw new PspnetError("format", `npy: expected ${shape.join(" x ")} values, found ${values.length}`);
  }
  return { values, shape };
}
