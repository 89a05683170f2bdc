import { gunzipSync } from "node:zlib";
import { PspnetError } from "@pspnet/core";

/** Volumes of NIfTI-1 (nifti.nimh.nih.gov, nifti1.h), packed or not. */

const HEADER = 348;
/** A volume of 500 million bytes; a scanner's have a few. */
const LARGEST = 500_000_000;

/** Where fields of the header stand. */
const AT = { sides: 40, type: 70, offset: 108, slope: 112, intercept: 116, magic: 344 } as const;

type Reader = { readonly bytes: number; read(view: DataView, at: number, little: boolean): number };

/** How numbers of each type are stored. */
const READERS: ReadonlyMap<number, Reader> = new Map<number, Reader>([
  [2, { bytes: 1, read: (view, at) => view.getUint8(at) }],
  [4, { bytes: 2, read: (view, at, little) => view.getInt16(at, little) }],
  [8, { bytes: 4, read: (view, at, little) => view.getInt32(at, little) }],
  [16, { bytes: 4, read: (view, at, little) => view.getFloat32(at, little) }],
  [64, { bytes: 8, read: (view, at, little) => view.getFloat64(at, little) }],
  [256, { bytes: 1, read: (view, at) => view.getInt8(at) }],
  [512, { bytes: 2, read: (view, at, little) => view.getUint16(at, little) }],
  [768, { bytes: 4, read: (view, at, little) => view.getUint32(at, little) }],
]);

/** Numbers in space, x fastest, then y, then z. */
export interface Volume {
  readonly sides: readonly [x: number, y: number, z: number];
  readonly values: Float32Array;
}

/**
 * The numbers of a volume, scaled as its header says.
 *
 * @param path is named in errors.
 * @throws PspnetError "data" for what is no NIfTI-1 volume of three dimensions, or is cut off.
 */
export function readNifti(bytes: Uint8Array, path: string): Volume {
  const fail = (found: string, cause?: unknown): never => {
    throw new PspnetError("data", `${path}: expected a NIfTI-1 volume (.nii or .nii.gz), found ${found}`, { cause });
  };
  let plain = bytes;
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    try {
      plain = gunzipSync(bytes, { maxOutputLength: LARGEST });
    } catch (cause) {
      return fail(`a broken or cut off one (${(cause as Error).message})`, cause);
    }
  }
  if (plain.length < HEADER + 4) return fail(`${plain.length} bytes`);
  const view = new DataView(plain.buffer, plain.byteOffset, plain.byteLength);
  const little = view.getInt32(0, true) === HEADER;
  const magic = new TextDecoder("latin1").decode(plain.subarray(AT.magic, AT.magic + 3));
  if ((!little && view.getInt32(0, false) !== HEADER) || magic !== "n+1") return fail("another format");
  const [count, x, y, z, ...more] = Array.from({ length: 8 }, (_, i) => view.getInt16(AT.sides + 2 * i, little));
  if (count < 3 || Math.min(x, y, z) < 1 || more.slice(0, count - 3).some((side) => side !== 1))
    return fail(`${count} dimensions of ${[x, y, z, ...more].join("x")}`);
  const reader = READERS.get(view.getInt16(AT.type, little));
  if (!reader) return fail(`numbers of type ${view.getInt16(AT.type, little)}`);
  const start = view.getFloat32(AT.offset, little);
  if (!(start >= HEADER) || start + x * y * z * reader.bytes > plain.length)
    return fail(`${plain.length} bytes where ${x}x${y}x${z} numbers should be`);
  const slope = view.getFloat32(AT.slope, little) || 1;
  const intercept = view.getFloat32(AT.intercept, little) || 0;
  const values = new Float32Array(x * y * z);
  for (let i = 0; i < values.length; i++)
    values[i] = reader.read(view, start + i * reader.bytes, little) * slope + intercept;
  return { sides: [x, y, z], values };
}
