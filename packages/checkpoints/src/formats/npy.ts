// Dictionaries that NumPy saved as an array of one object.
import { PspnetError } from "../error.js";
import { namedTensors } from "../pickle/namedTensors.js";
import { isNpy, readNpy } from "../pickle/npyArray.js";
import { NumpyArray } from "../pickle/numpy.js";
import type { Format } from "./format.js";

export const npy: Format = {
  recognises: isNpy,
  read(bytes) {
    const root = readNpy(bytes);
    if (root instanceof NumpyArray && !root.objects) {
      throw new PspnetError("format", `expected a dictionary of arrays, found one array of shape [${root.shape}]`);
    }
    return { format: "npy", ...namedTensors(root) };
  },
};
