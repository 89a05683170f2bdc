// Archives of `numpy.savez`: an entry `name.npy` for each array.
import { readZip } from "../archive/zip.js";
import { namedTensors } from "../pickle/namedTensors.js";
import { readNpy } from "../pickle/npyArray.js";
import { type Format, startsWith } from "./format.js";

const ENDING = ".npy";

export const npz: Format = {
  recognises(bytes) {
    if (!startsWith(bytes, "PK\x03\x04")) return false;
    try {
      const names = [...readZip(bytes).keys()];
      return names.length > 0 && names.every((name) => name.endsWith(ENDING));
    } catch {
      return false;
    }
  },
  read(bytes) {
    const arrays = [...readZip(bytes)].map(([name, entry]): [string, unknown] => [
      name.slice(0, -ENDING.length),
      readNpy(entry.bytes()),
    ]);
    return { format: "npz", ...namedTensors(new Map(arrays)) };
  },
};
