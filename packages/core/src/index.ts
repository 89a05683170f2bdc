// Weights files, and the one class of errors
export {
  type ErrorCode,
  fromFloat32,
  PspnetError,
  readSafetensors,
  readSafetensorsHeader,
  type Safetensors,
  type SafetensorsHeader,
  type Shape,
  type State,
  type StateTensor,
  type StoredDType,
  type StoredTensor,
  safetensorsHeaderEnd,
  safetensorsPieces,
  type TensorEntry,
  toFloat32,
  type WritableTensor,
  writeSafetensors,
} from "@pspnet/checkpoints";
// Scores, and the windows of an evaluation
export * from "./evaluate/confusionMatrix.js";
export * from "./evaluate/tiles.js";
// The network as a graph, optimised, printed, and what it costs; how graphs are made and read: @pspnet/core/graph
export type { Dim, SymbolicDim } from "./graph/dim.js";
export type { Graph } from "./graph/graph.js";
export * from "./graph/modelCost.js";
export * from "./graph/networkGraph.js";
export * from "./graph/print.js";
// Images, labels, lists of classes, and painting
export * from "./image/classes.js";
export * from "./image/classLists.js";
export * from "./image/image.js";
export * from "./image/normalise.js";
export * from "./image/paint.js";
// The network and its parts
export * from "./model/auxiliaryHead.js";
export * from "./model/backboneState.js";
export * from "./model/config.js";
export * from "./model/pspnet.js";
export * from "./model/pyramidConvolution.js";
export * from "./model/pyramidHead.js";
export * from "./model/pyramidPooling.js";
export * from "./model/resnet.js";
// What networks are made of; first values of parameters: @pspnet/core/initialisers
export * from "./nn/layers.js";
export * from "./nn/module.js";
export * from "./nn/parameter.js";
export * from "./nn/state.js";
// Models of ONNX; their encoding: @pspnet/core/onnx
export * from "./onnx/exportOnnx.js";
export type { ExternalData, ExternalDataOptions } from "./onnx/externalData.js";
export type { OnnxType, OnnxValue } from "./onnx/proto.js";
export * from "./passes/optimise.js";
// Random numbers by seed
export * from "./random/random.js";
// From a photograph to labels; what runtimes are written with: @pspnet/core/segment
export * from "./segment/network.js";
export * from "./segment/onnxSegmenter.js";
export * from "./segment/protocol.js";
export * from "./segment/runtime.js";
export * from "./segment/segmentation.js";
// What the network computes with: precision, and the tensors of an engine
export * from "./tensor/precision.js";
export type * from "./tensor/tensor.js";
// Weights that describe themselves
export * from "./weights/checkClasses.js";
export * from "./weights/modelFile.js";
export * from "./weights/parseWeights.js";
export * from "./weights/randomWeights.js";
