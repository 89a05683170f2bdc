import type { Dim } from "./dim.js";
import { byteValues, type Graph, type Node, readers } from "./graph.js";
import { inferShapes } from "./shapes.js";

export interface MemoryOptions {
  /** Of an element that is a real number. */
  readonly bytes: number;
  /** Bytes that a node takes beside its output while it is computed, by the number of elements of its values and their shapes. */
  readonly scratch?: (
    node: Node,
    elements: (value: string) => number,
    shapeOf: (value: string) => readonly number[],
  ) => number;
}

/**
 * The most bytes that live at once while a graph is computed node by node, each value from where it is made to its last reader; without
 * the initialisers. The inputs live throughout.
 *
 * @param inputs the inputs' shapes, in numbers.
 */
export function peakBytes(
  graph: Graph,
  inputs: Readonly<Record<string, readonly Dim[]>>,
  { bytes, scratch = () => 0 }: MemoryOptions,
): number {
  const shapes = inferShapes(graph, inputs);
  const shapeOf = (value: string) => shapes.get(value) as readonly number[];
  const elements = (value: string) => shapeOf(value).reduce((product, size) => product * size, 1);
  const inBytes = byteValues(graph);
  const size = (value: string) => (inBytes.has(value) ? 1 : bytes) * elements(value);
  const last = new Map([...readers(graph)].map(([value, nodes]) => [value, nodes.at(-1)]));
  let living = graph.inputs.reduce((sum, { name }) => sum + size(name), 0);
  let peak = living;
  const given = new Set([...graph.inputs.map(({ name }) => name), ...graph.initialisers.keys()]);
  for (const node of graph.nodes) {
    living += size(node.output);
    peak = Math.max(peak, living + scratch(node, elements, shapeOf));
    const ended = new Set(node.inputs.filter((value) => !given.has(value) && last.get(value) === node));
    for (const value of ended) living -= size(value);
  }
  return peak;
}
