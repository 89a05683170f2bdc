import { latin1 } from "../byteReader.js";
import type { CheckpointFile } from "../checkpoint.js";
import { bundlePrefix } from "../tensorflow/bundleFiles.js";
import { startsWith } from "./format.js";

/** What a file is that no format recognises, and the mend. */
export function notWeights({ name, bytes }: CheckpointFile): string {
  if (bytes.length === 0) return "expected a file of weights, found an empty one; fetch it again";
  const prefix = bundlePrefix(name);
  if (prefix !== null) {
    return `expected weights, found a part of TensorFlow's checkpoint without an index that is whole; give ${prefix}.index too`;
  }
  const text = latin1(bytes.subarray(0, 512)).trimStart().toLowerCase();
  if (text.startsWith("<!doctype") || text.startsWith("<html") || text.startsWith("<?xml")) {
    return "expected a file of weights, found a web page; the download asked for a confirmation or failed, fetch it again";
  }
  if (text.startsWith("version https://git-lfs")) {
    return "expected a file of weights, found a pointer of Git LFS; fetch the file itself with git lfs pull";
  }
  if (startsWith(bytes, "\x1f\x8b")) return "expected a file of weights, found a gzip archive; unpack it first";
  if (startsWith(bytes, "ustar", 257)) {
    return "expected a file of weights, found a tar archive; unpack it first, or save one of PyTorch before 0.1.10 anew";
  }
  if (text.startsWith("model_checkpoint_path")) {
    return "expected weights, found TensorFlow's list of checkpoints; give one that it names";
  }
  if (text.startsWith("{") || text.startsWith("[")) return "expected a file of weights, found text like JSON";
  const first = [...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return `expected a file of weights (torch.save, safetensors, .caffemodel, .pdparams, .npy, .npz, HDF5, TensorFlow's checkpoints, ONNX), found bytes ${first}, which no known format begins with`;
}
