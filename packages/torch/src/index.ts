// From windows' logits to an image
export { averagedLabels, averagedProbabilities } from "./averagedProbabilities.js";
// Machine
export { restAtExit } from "./binding.js";
export { blendedProbabilities } from "./blendedProbabilities.js";
// Tensors
export { backend, fromBuffer, type TensorData, tensor } from "./data.js";
export {
  bfloat16Instructions,
  cudaAvailable,
  cudaProblem,
  exactInt8,
  fastBfloat16,
  gpuCount,
  gpuMemory,
  manualSeed,
  numThreads,
  setNumThreads,
  version,
} from "./device.js";
// Processes that work as one
export {
  GradientReducer,
  type GradientReducerOptions,
  type GradientTimings,
  gradientOverlap,
} from "./gradientReducer.js";
export { type Place, placeFromEnvironment } from "./launcher.js";
// Memory
export { liveTensors, memoryInUse, memoryKept, peakMemory, releaseMemory } from "./memory.js";
// Training
export { autocast, gradEnabled, noGrad } from "./modes.js";
export type { MemoryFormat, Reduction } from "./operations.generated.js";
// Compiled inference
export {
  type EnlargeOptions,
  type LabelOptions,
  type PhotographShape,
  Plan,
  type PlanOptions,
  type PlanWindowsOptions,
} from "./plan.js";
export { init, isCollectiveFailure, ncclProblem, ProcessGroup, type ProcessGroupOptions } from "./processGroup.js";
export { keep, scope } from "./scope.js";
export { type ParameterGroup, SGD } from "./sgd.js";
export {
  arange,
  backward,
  empty,
  full,
  ones,
  rand,
  randint,
  randn,
  stack,
  Tensor,
  type TensorArray,
  zeros,
} from "./tensor.js";
