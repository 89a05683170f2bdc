import { isRecord } from "../config/record.js";
import { PspnetError } from "../error.js";
import type { Graph } from "../graph/graph.js";
import { quantise, type Ranges, valuesInBytes } from "../passes/quantise.js";

/** What `pspnet quantise` found, as a weights file has it. */
export interface RecordedQuantisation {
  readonly ranges: Ranges;
  /** How the ranges were found, in words: `percentile 99.99 of 32 images`. */
  readonly calibration: string;
  /** What int8 gives beside float32, in words: `mIoU 68.1 %, float32 68.3 %, on camvid (val)`. */
  readonly outcome: string;
}

/** Ends of a range lie within, so that its steps are float32. */
const [LEAST_WIDTH, LARGEST_END] = [1e-30, 1e30];

export function isQuantisation(value: unknown): value is RecordedQuantisation {
  return (
    isRecord(value) &&
    typeof value.calibration === "string" &&
    typeof value.outcome === "string" &&
    isRecord(value.ranges) &&
    Object.values(value.ranges).every(isRange)
  );
}

function isRange(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 2 || !value.every(Number.isFinite)) return false;
  const [low, high] = value as number[];
  return -LARGEST_END <= low && low <= 0 && 0 <= high && high <= LARGEST_END && high - low >= LEAST_WIDTH;
}

/**
 * The graph in bytes, as the weights' file says.
 *
 * @param graph after `optimise`.
 * @param source the file, for messages.
 * @throws PspnetError "weights" for weights that were not quantised, or for another network.
 */
export function quantised(
  graph: Graph,
  { quantisation }: { readonly quantisation?: RecordedQuantisation },
  source = "weights",
): Graph {
  const refuse = (found: string): never => {
    const mend = "make them with `pspnet quantise`, or take another precision";
    throw new PspnetError(
      "weights",
      `${source}: precision=int8: expected weights with ranges, found ${found}; ${mend}`,
    );
  };
  if (quantisation === undefined) return refuse("none");
  const { ranges } = quantisation;
  const names = new Set([...graph.inputs, ...graph.nodes].map(({ name }) => name));
  const unknown = Object.keys(ranges).find((name) => !names.has(name));
  if (unknown !== undefined)
    return refuse(`one of ${JSON.stringify(unknown.slice(0, 80))}, which this network has not`);
  if (valuesInBytes(graph, ranges).length === 0) return refuse("none that a convolution reads");
  return quantise(graph, ranges);
}
