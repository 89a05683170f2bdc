// Element types
export * from "./elements.js";
// Errors
export * from "./error.js";
// The wire format of ONNX, Caffe and TensorBoard
export * as protobuf from "./protobuf.js";
// What the packages above round with
export { roundHalfEven } from "./roundHalfEven.js";
// Formats
export * from "./safetensors.js";
// Named tensors
export type * from "./tensor.js";
