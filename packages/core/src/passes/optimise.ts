import type { Graph } from "../graph/graph.js";
import { dropDeadNodes } from "./dropDeadNodes.js";
import { foldBatchNorm } from "./foldBatchNorm.js";
import { foldConstants } from "./foldConstants.js";
import { fuseConvolution } from "./fuseConvolution.js";

/** The graph as it is run and exported: the same function with less to do. */
export function optimise(graph: Graph): Graph {
  return [foldConstants, foldBatchNorm, fuseConvolution, dropDeadNodes].reduce((result, pass) => pass(result), graph);
}
