// From weights to a network

// What a network answers
export {
  type ClassArea,
  type ClassList,
  type ErrorCode,
  type LabelMap,
  type ModelDescription,
  PspnetError,
  type RgbImage,
  type Segmentation,
  type SegmentOptions,
} from "@pspnet/core";
// What the page gives and gets
export type { Photograph } from "./image/decode.js";
export { toImageData } from "./image/toImageData.js";
export * from "./load.js";
export type { Backend, BackendName, BackendOptions, WasmPaths } from "./runtime/backend.js";
export * from "./webNetwork.js";
export type { DownloadOptions, DownloadProgress } from "./weights/download.js";
export type { WeightsSource } from "./weights/readWeights.js";
export { clearWeights } from "./weights/store.js";
