// Files of torch.save since 1.6, and TorchScript archives: https://github.com/pytorch/pytorch/blob/main/torch/serialization.py
import { readZip, type ZipEntry } from "../archive/zip.js";
import { ByteReader, latin1 } from "../byteReader.js";
import type { Checkpoint } from "../checkpoint.js";
import { ELEMENT_SIZE } from "../elements.js";
import { PspnetError } from "../error.js";
import { namedTensors } from "../pickle/namedTensors.js";
import { storageReference, TORCH, type TorchStorage } from "../pickle/torch.js";
import { unpickle } from "../pickle/unpickler.js";
import { type Format, startsWith } from "./format.js";

export const torchZip: Format = {
  recognises: (bytes) => startsWith(bytes, "PK\x03\x04"),
  read: readTorchZip,
};

/** The folder of the archive that a pickle of tensors stands in, or undefined for another archive. */
function torchFolder(entries: ReadonlyMap<string, ZipEntry>): string | undefined {
  const pickle = [...entries.keys()].find((name) => /^([^/]+\/)?data\.pkl$/.test(name));
  return pickle?.slice(0, -"data.pkl".length);
}

function readTorchZip(bytes: Uint8Array): Checkpoint {
  const entries = readZip(bytes);
  const folder = torchFolder(entries);
  if (folder === undefined) throw new PspnetError("format", "zip: expected an entry data.pkl, found none");
  const script = entries.has(`${folder}constants.pkl`);
  const text = (name: string) =>
    latin1(
      entries
        .get(folder + name)
        ?.bytes()
        .subarray(0, 64) ?? new Uint8Array(),
    ).trim();
  const storages = storagesOf(entries, folder, text("byteorder") === "big");
  const reader = new ByteReader(entries.get(`${folder}data.pkl`)!.bytes(), "data.pkl");
  const root = unpickle(reader, { globals: TORCH, persistent: storages });
  return { format: script ? "TorchScript" : "torch.save", ...namedTensors(root) };
}

/** Gives the storage that a persistent id names. */
function storagesOf(
  entries: ReadonlyMap<string, ZipEntry>,
  folder: string,
  bigEndian: boolean,
): (id: unknown) => TorchStorage {
  const known = new Map<string, TorchStorage>();
  return (id) => {
    const { dtype, key, count } = storageReference(id);
    const name = `${folder}data/${key}`;
    const entry = entries.get(name);
    if (!entry) throw new PspnetError("format", `data.pkl: expected an entry ${name}, found none; the file is damaged`);
    const byteLength = count * ELEMENT_SIZE[dtype];
    if (byteLength > entry.size) {
      throw new PspnetError("format", `${name}: expected ${byteLength} bytes of ${dtype}, found ${entry.size}`);
    }
    const storage = known.get(key) ?? { dtype, byteLength, bigEndian, bytes: entry.bytes };
    known.set(key, storage);
    return storage;
  };
}
