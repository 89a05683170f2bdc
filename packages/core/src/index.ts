// Weights files, and the one class of errors
export {
  type ErrorCode,
  fromFloat32,
  PspnetError,
  readCheckpoint,
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
  torchPieces,
  type WritableTensor,
  writeSafetensors,
} from "@pspnet/checkpoints";
// Backbones
export * from "./backbone/backbone.js";
export { BasicBlock, Bottleneck } from "./backbone/residualBlocks.js";
export * from "./backbone/resnet.js";
// What the keys of a network's configuration are
export type { KeyDescription } from "./config/complete.js";
export type { Field, Fields, ValuesOf } from "./config/field.js";
export type { ConfigOf, GivenOf, Kind } from "./config/kind.js";
export { type Problem, shown } from "./config/problem.js";
export * from "./config/suggest.js";
// Scores, and the windows of an evaluation
export * from "./evaluate/boundary.js";
export * from "./evaluate/confusionMatrix.js";
export * from "./evaluate/objects.js";
export * from "./evaluate/tiles.js";
// Checkpoints of other programs
export { families } from "./families/families.js";
export type * from "./families/family.js";
export { type Fit, fits, nearestFit } from "./families/fit.js";
export * from "./families/importCheckpoint.js";
export * from "./families/officialState.js";
// The network as a graph, optimised, printed, and what it costs; how graphs are made and read: @pspnet/core/graph
export type { Dim, SymbolicDim } from "./graph/dim.js";
export type { Graph } from "./graph/graph.js";
export * from "./graph/modelCost.js";
export { networkGraph } from "./graph/networkGraph.js";
export * from "./graph/print.js";
// Heads
export { ConvolutionHead } from "./head/convolutionHead.js";
export * from "./head/head.js";
// Images, labels, lists of classes, and painting
export * from "./image/classes.js";
export * from "./image/classLists.js";
export { type Crop, cropSize, cropText } from "./image/crop.js";
export * from "./image/image.js";
export * from "./image/labelRuns.js";
export * from "./image/normalise.js";
export * from "./image/paint.js";
// The network of its parts
export * from "./model/compare.js";
export * from "./model/config.js";
export { FLAT_FIELDS, inParts } from "./model/flatFields.js";
export * from "./model/logits.js";
export * from "./model/parts.js";
export * from "./model/pspnet.js";
// What networks are made of; first values of parameters: @pspnet/core/initialisers
export * from "./nn/layers.js";
export * from "./nn/module.js";
export type { Norm } from "./nn/norm.js";
export * from "./nn/parameter.js";
export * from "./nn/state.js";
// Models of ONNX; their encoding: @pspnet/core/onnx
export * from "./onnx/exportOnnx.js";
export type { ExternalData, ExternalDataOptions } from "./onnx/externalData.js";
export type { OnnxType, OnnxValue } from "./onnx/proto.js";
export * from "./passes/optimise.js";
// Whole numbers in place of real ones
export { type Ranges, weightScales } from "./passes/quantise.js";
// Published networks by name
export type { Preset } from "./presets/preset.js";
export { PRESETS, presetNamed } from "./presets/presets.js";
// How images are looked at
export * from "./protocols/protocol.js";
export * from "./protocols/protocols.js";
// The pyramid
export * from "./pyramid/pyramid.js";
export * from "./pyramid/pyramidConvolution.js";
export * from "./pyramid/pyramidPooling.js";
export * from "./quantise/histogram.js";
export * from "./quantise/quantisation.js";
export * from "./quantise/quantisedWeights.js";
// Random numbers by seed
export * from "./random/random.js";
// From a photograph to labels; what runtimes are written with: @pspnet/core/segment
export * from "./segment/network.js";
export * from "./segment/onnxSegmenter.js";
export * from "./segment/options.js";
export * from "./segment/runtime.js";
export * from "./segment/segmentation.js";
// What the network computes with: precision, and the tensors of an engine
export type { AlignCorners } from "./tensor/alignCorners.js";
export * from "./tensor/precision.js";
export type * from "./tensor/tensor.js";
// Weights that describe themselves
export * from "./weights/checkClasses.js";
export * from "./weights/checkFinite.js";
export * from "./weights/modelFile.js";
export * from "./weights/parseOnnx.js";
export * from "./weights/parseWeights.js";
export * from "./weights/randomWeights.js";
export * from "./weights/storedAs.js";
