// Dictionaries that NumPy saved as an array of one object: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
import { ByteReader, latin1 } from "../byteReader.js";
import { PspnetError } from "../error.js";
import { namedTensors } from "../pickle/namedTensors.js";
import { NUMPY } from "../pickle/numpy.js";
import { PYTHON } from "../pickle/python.js";
import { unpickle } from "../pickle/unpickler.js";
import { type Format, startsWith } from "./format.js";

const SIGNATURE = "\x93NUMPY";

export const npy: Format = {
  recognises: (bytes) => startsWith(bytes, SIGNATURE),
  read(bytes) {
    const reader = new ByteReader(bytes, "npy", SIGNATURE.length);
    const major = reader.u8();
    reader.u8();
    const header = latin1(reader.take(major === 1 ? reader.u16() : reader.u32()));
    if (!/'descr':\s*'\|O'/.test(header)) {
      throw new PspnetError(
        "format",
        `expected a dictionary of arrays, found one array (${header.trim().slice(0, 100)})`,
      );
    }
    return { format: "npy", ...namedTensors(unpickle(reader, { globals: { ...PYTHON, ...NUMPY } })) };
  },
};
