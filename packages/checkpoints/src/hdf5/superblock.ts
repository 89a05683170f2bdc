// Format specification, II.A: https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html
import { startsWith } from "../formats/format.js";
import { Hdf5File } from "./hdf5File.js";
import { Hdf5Reader } from "./hdf5Reader.js";

const SIGNATURE = "\x89HDF\r\n\x1a\n";

/** Where the superblock stands: at 0, or after a block of the user's at 512, 1024, 2048 ...; null in no HDF5 file. */
export function superblockAt(bytes: Uint8Array): number | null {
  for (let at = 0; at + SIGNATURE.length <= bytes.byteLength; at = at === 0 ? 512 : at * 2) {
    if (startsWith(bytes, SIGNATURE, at)) return at;
  }
  return null;
}

/** The file, and the address of its root group's header. */
export function openHdf5(bytes: Uint8Array): { readonly file: Hdf5File; readonly root: number } {
  const own = bytes.subarray(superblockAt(bytes) ?? 0);
  const head = new Hdf5Reader(own, "superblock", { address: 8, length: 8 }, SIGNATURE.length);
  const version = head.version(0, 1, 2, 3);
  if (version < 2) head.take(4);
  const widths = { address: width(head), length: width(head) };
  const file = new Hdf5File(own, widths);
  const root = file.read(0, "superblock", (reader) => {
    reader.at = head.at;
    return version < 2 ? tableEntry(reader, version) : rootHeader(reader);
  });
  return { file, root };
}

function width(reader: Hdf5Reader): number {
  const found = reader.u8();
  return found === 2 || found === 4 || found === 8
    ? found
    : reader.fail(`expected a width of 2, 4 or 8, found ${found}`);
}

/** Versions 0 and 1: the root group is an entry like those of a symbol table. */
function tableEntry(reader: Hdf5Reader, version: number): number {
  reader.take(version === 0 ? 9 : 13);
  addresses(reader);
  reader.address();
  reader.length();
  const root = reader.pointer();
  reader.take(24);
  return root;
}

/** Versions 2 and 3. */
function rootHeader(reader: Hdf5Reader): number {
  reader.take(1);
  addresses(reader);
  const root = reader.pointer();
  reader.take(4);
  return root;
}

/** The base address, which is where the superblock was found; one that is not needed; and the end of the file. */
function addresses(reader: Hdf5Reader): void {
  const base = reader.pointer();
  reader.address();
  const end = reader.pointer() - base;
  const { byteLength } = reader.bytes;
  if (end > byteLength)
    reader.fail(`expected a file of ${end} bytes, found ${byteLength}; it is cut off, fetch it again`);
}
