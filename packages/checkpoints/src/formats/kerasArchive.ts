// Keras 3's `.keras`: a zip archive of a model's configuration and its weights.
import { readZip } from "../archive/zip.js";
import { type Format, startsWith } from "./format.js";
import { hdf5 } from "./hdf5.js";

const WEIGHTS = "model.weights.h5";

export const kerasArchive: Format = {
  recognises(bytes) {
    if (!startsWith(bytes, "PK\x03\x04")) return false;
    try {
      return readZip(bytes).has(WEIGHTS);
    } catch {
      return false;
    }
  },
  read: (bytes) => ({ ...hdf5.read(readZip(bytes).get(WEIGHTS)!.bytes(), []), format: "Keras" }),
};
