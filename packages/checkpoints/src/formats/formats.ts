import { caffemodel } from "./caffemodel.js";
import type { Format } from "./format.js";
import { hdf5 } from "./hdf5.js";
import { kerasArchive } from "./kerasArchive.js";
import { npy } from "./npy.js";
import { npz } from "./npz.js";
import { onnx } from "./onnx.js";
import { pickleFile } from "./pickleFile.js";
import { safetensors } from "./safetensorsFormat.js";
import { tensorBundle } from "./tensorBundle.js";
import { torchLegacy } from "./torchLegacy.js";
import { torchZip } from "./torchZip.js";

/** Every format that is read; the first that recognises a file reads it. */
export const FORMATS: readonly Format[] = [
  kerasArchive,
  npz,
  torchZip,
  torchLegacy,
  pickleFile,
  npy,
  safetensors,
  hdf5,
  tensorBundle,
  onnx,
  caffemodel,
];
