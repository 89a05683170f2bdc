// Weights files, and the error class
export * from "@pspnet/checkpoints";
// Evaluation
export * from "./evaluate/averagedProbabilities.js";
export * from "./evaluate/bands.js";
export * from "./evaluate/confusionMatrix.js";
export * from "./evaluate/notFinite.js";
export * from "./evaluate/tiles.js";
// The network as a graph
export * from "./graph/cost.js";
export * from "./graph/dim.js";
export * from "./graph/graph.js";
export * from "./graph/memory.js";
export * from "./graph/modelCost.js";
export * from "./graph/networkGraph.js";
export * from "./graph/print.js";
export * from "./graph/shapes.js";
export * from "./graph/trace.js";
// Images and labels
export * from "./image/classes.js";
export * from "./image/classLists.js";
export * from "./image/image.js";
export * from "./image/normalise.js";
export * from "./image/paint.js";
// The network
export * from "./model/auxiliaryHead.js";
export * from "./model/backboneState.js";
export * from "./model/config.js";
export * from "./model/pspnet.js";
export * from "./model/pyramidConvolution.js";
export * from "./model/pyramidHead.js";
export * from "./model/pyramidPooling.js";
export * from "./model/resnet.js";
// What networks are made of
export * from "./nn/initialisers.js";
export * from "./nn/layers.js";
export * from "./nn/module.js";
export * from "./nn/parameter.js";
export * from "./nn/state.js";
// ONNX
export * from "./onnx/exportOnnx.js";
export type { ExternalData, ExternalDataOptions } from "./onnx/externalData.js";
export { encodeModel, type OnnxModel, type OnnxType, type OnnxValue } from "./onnx/proto.js";
// What is done to graphs
export * from "./passes/dropDeadNodes.js";
export * from "./passes/foldBatchNorm.js";
export * from "./passes/foldConstants.js";
export * from "./passes/fuseConvolution.js";
export * from "./passes/optimise.js";
// Random numbers
export * from "./random/random.js";
// Segmenting a photograph
export * from "./segment/lookAtWindows.js";
export * from "./segment/mapAhead.js";
export * from "./segment/memory.js";
export * from "./segment/network.js";
export * from "./segment/onnxSegmenter.js";
export * from "./segment/protocol.js";
export * from "./segment/runtime.js";
export * from "./segment/segmentation.js";
export * from "./segment/windowInput.js";
// What the network computes with
export * from "./tensor/bilinearAxis.js";
export * from "./tensor/enlargeMatrix.js";
export * from "./tensor/precision.js";
export type * from "./tensor/tensor.js";
// Weights that describe themselves
export * from "./weights/checkClasses.js";
export * from "./weights/modelFile.js";
export * from "./weights/parseWeights.js";
export * from "./weights/randomWeights.js";
