// What is done to graphs
export * from "../passes/dropDeadNodes.js";
export { foldBatchNorm } from "../passes/foldBatchNorm.js";
export * from "../passes/foldConstants.js";
export * from "../passes/fuseConvolution.js";
export * from "../passes/observe.js";
export * from "../passes/quantise.js";
export { scaleBatchNorm } from "../passes/scaleBatchNorm.js";
// Bilinear enlargement as a matrix
export * from "../tensor/enlargeMatrix.js";
// What graphs cost
export * from "./cost.js";
// Sizes that are known when a graph runs
export * from "./dim.js";
// Graphs as data
export * from "./graph.js";
export * from "./memory.js";
export * from "./shapes.js";
// Graphs of networks
export * from "./trace.js";
