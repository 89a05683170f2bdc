// A pickle of named NumPy arrays: what `paddle.save` makes of a state_dict (`.pdparams`), and scripts of a dictionary.
import { ByteReader } from "../byteReader.js";
import { withWholeArrays } from "../pickle/bigArrays.js";
import { namedTensors } from "../pickle/namedTensors.js";
import { NUMPY } from "../pickle/numpy.js";
import { PYTHON } from "../pickle/python.js";
import { unpickle } from "../pickle/unpickler.js";
import type { Format } from "./format.js";

export const pickleFile: Format = {
  recognises: (bytes) => bytes[0] === 0x80 && bytes[1] >= 2 && bytes[1] <= 5,
  read(bytes) {
    const root = unpickle(new ByteReader(bytes, "pickle"), { globals: { ...PYTHON, ...NUMPY } });
    return { format: "pickle", ...namedTensors(withWholeArrays(root)) };
  },
};
