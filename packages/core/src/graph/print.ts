import { multiplyAdds, totalMultiplyAdds } from "./cost.js";
import { formatDim } from "./dim.js";
import type { Graph, Node } from "./graph.js";
import { inferShapes } from "./shapes.js";

/**
 * A graph as a table: name, operator, shape of the result, parameters, 10^9 multiply-adds (as of the direct form).
 * @param shape of the input; left out, sizes stay symbols and the last column is empty.
 * @param options.winograd the names of convolutions that were multiplied in Winograd's form, which the operator's column then says.
 */
export function printGraph(
  graph: Graph,
  shape?: readonly number[],
  { winograd = [] }: { readonly winograd?: readonly string[] } = {},
): string {
  const chosen = new Set(winograd);
  const shapes = inferShapes(graph, shape ? { [graph.inputs[0].name]: shape } : {});
  const shapeOf = (value: string) => `[${shapes.get(value)!.map(formatDim).join(", ")}]`;
  const rows = graph.nodes.map((node) => {
    const macs = multiplyAdds(node, shapes);
    return [
      node.name,
      describe(node, chosen.has(node.name)),
      shapeOf(node.output),
      count(parameters(node, graph)),
      giga(macs),
    ];
  });
  const inputs = graph.inputs.map(({ name }) => [name, "input", shapeOf(name), "", ""]);
  const total = ["total", "", "", count(totalParameters(graph)), giga(totalMultiplyAdds(graph, shapes))];
  return table([["name", "operator", "shape", "parameters", "GMAC"], ...inputs, ...rows, total]);
}

function describe(node: Node, winograd: boolean): string {
  if (node.operator === "scaleChannels") return [node.operator, node.attributes.activation].filter(Boolean).join(" + ");
  if (node.operator !== "conv2d" && node.operator !== "quantisedConv2d") return node.operator;
  const residual = node.inputs[node.operator === "conv2d" ? 3 : 4];
  const operator = winograd ? `${node.operator} (Winograd)` : node.operator;
  return [operator, residual && "add", node.attributes.activation].filter(Boolean).join(" + ");
}

function parameters({ inputs }: Node, { initialisers }: Graph): number {
  return inputs.reduce((sum, input) => sum + (initialisers.get(input)?.data.length ?? 0), 0);
}

function totalParameters({ initialisers }: Graph): number {
  return [...initialisers.values()].reduce((sum, { data }) => sum + data.length, 0);
}

const count = (value: number): string => (value === 0 ? "" : value.toLocaleString("en"));
const giga = (macs: number | null): string => (macs ? (macs / 1e9).toFixed(3) : "");

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => (i < 3 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join("  ")
      .trimEnd();
  return rows.map(line).join("\n");
}
