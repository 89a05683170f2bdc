// Checksums

// Checkpoints of every format
export type * from "./checkpoint.js";
export { crc32c, maskedCrc32c } from "./checksums.js";
// Element types
export * from "./elements.js";
// Errors
export * from "./error.js";
export { onnx as onnxFormat } from "./formats/onnx.js";
export { readCheckpoint } from "./readCheckpoint.js";
// What the packages above round with
export { roundHalfEven } from "./roundHalfEven.js";
// Formats; the wire format of ONNX and TensorBoard's events: @pspnet/checkpoints/protobuf
export * from "./safetensors.js";
// Named tensors
export type * from "./tensor.js";
export { bundlePrefix } from "./tensorflow/bundleFiles.js";
export * from "./torchSave.js";
