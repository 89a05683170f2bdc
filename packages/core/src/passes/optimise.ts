import type { Graph } from "../graph/graph.js";
import { dropDeadNodes } from "./dropDeadNodes.js";
import { foldBatchNorm } from "./foldBatchNorm.js";
import { foldConstants } from "./foldConstants.js";
import { fuseConvolution } from "./fuseConvolution.js";
import { scaleBatchNorm } from "./scaleBatchNorm.js";

/** The graph as it is run and exported: the same function with less to do. */
export function optimise(graph: Graph): Graph {
  const passes = [foldConstants, foldBatchNorm, scaleBatchNorm, fuseConvolution, dropDeadNodes];
  return passes.reduce((result, pass) => pass(result), graph);
}
