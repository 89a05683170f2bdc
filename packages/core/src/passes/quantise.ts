import { type Graph, type GraphConstant, type Node, type Quantisation, readers } from "../graph/graph.js";

/**
 * What real numbers the bytes of a value stand for, lowest and highest, 0 among them: by the name of the node that makes the value, or of
 * the graph's input. A convolution whose input has a range is computed in bytes.
 */
export type Ranges = Readonly<Record<string, readonly [low: number, high: number]>>;

type Conv = Node<"conv2d">;

/** Weights below it, whose quotients no float32 holds, are 0. */
const LEAST_WEIGHT = 1e-30;

/**
 * Has convolutions computed in bytes: their weights as int8, a scale for each output; what they read and give as uint8, a scale for each
 * value. What follows one another in bytes stays in bytes; elsewhere `quantise` and `dequantise` stand between.
 *
 * @param graph after `optimise`.
 */
export function quantise(graph: Graph, ranges: Ranges): Graph {
  return new Quantiser(graph, ranges).run();
}

/** The values of a graph that are bytes with these ranges, by the names that ranges have. */
export function valuesInBytes(graph: Graph, ranges: Ranges): string[] {
  return new Quantiser(graph, ranges).valuesInBytes();
}

/** The convolutions of a graph that a range lets be computed in bytes. */
function quantisable(graph: Graph, has: (value: string) => boolean): Set<Node> {
  const isQuantisable = ({ operator, attributes, inputs: [x, weight, bias, residual = ""] }: Node) =>
    operator === "conv2d" &&
    has(x) &&
    // oneDNN's sums know ReLU alone.
    (residual === "" || attributes.activation !== "relu6") &&
    [weight, bias ?? ""].every((value) => value === "" || graph.initialisers.get(value)?.dtype === "float32");
  return new Set(graph.nodes.filter(isQuantisable));
}

/** The range's bytes: as many steps as they can take, and 0 exactly one of them. */
export function quantisationOf([low, high]: readonly [number, number]): Quantisation {
  const scale = Math.fround((high - low) / 255);
  return { scale, zeroPoint: Math.min(255, Math.max(0, Math.round(-low / scale))) };
}

/** For each output of a convolution, the scale by which its largest weight is 127 or -127. */
export function weightScales({ shape, data }: Pick<GraphConstant<"float32">, "shape" | "data">): Float32Array {
  const size = data.length / shape[0];
  return Float32Array.from({ length: shape[0] }, (_, output) => {
    let most = 0;
    for (let i = output * size; i < (output + 1) * size; i++) most = Math.max(most, Math.abs(data[i]));
    return most > LEAST_WEIGHT ? most / 127 : 1;
  });
}

class Quantiser {
  readonly #graph: Graph;
  readonly #initialisers: Map<string, GraphConstant>;
  readonly #convolutions: Set<Node>;
  /** Of values that are bytes somewhere. */
  readonly #quantisations: Map<string, Quantisation>;
  /** Values that a node reads as bytes. */
  readonly #wanted = new Set<string>();
  /** Nodes that give bytes. */
  readonly #giveBytes = new Set<Node>();
  readonly #nodes: Node[] = [];
  /** The names of values that have been made so far, in each form. */
  readonly #bytes = new Map<string, string>();
  readonly #reals = new Set<string>();

  constructor(graph: Graph, ranges: Ranges) {
    this.#graph = graph;
    this.#initialisers = new Map(graph.initialisers);
    this.#quantisations = quantisationsOf(graph, ranges);
    this.#convolutions = quantisable(graph, (value) => this.#quantisations.has(value));
    for (const node of graph.nodes.toReversed()) this.#want(node);
    for (const { name } of graph.inputs) this.#reals.add(name);
  }

  run(): Graph {
    for (const node of this.#graph.nodes) this.#add(node);
    for (const output of this.#graph.outputs.values()) this.#real(output);
    const graph = { ...this.#graph, initialisers: this.#initialisers, nodes: this.#nodes };
    return { ...graph, nodes: inPlace(graph) };
  }

  valuesInBytes(): string[] {
    const named = [...this.#graph.inputs.map(({ name }) => ({ name, output: name })), ...this.#graph.nodes];
    return named.filter(({ output }) => this.#wanted.has(output)).map(({ name }) => name);
  }

  /** Notes what the node reads as bytes, once all that read its output have been seen. */
  #want(node: Node): void {
    const { inputs, output } = node;
    const asked = this.#wanted.has(output);
    if (this.#convolutions.has(node)) {
      const [x, , , residual = ""] = inputs;
      this.#wanted.add(x);
      if (!asked || (residual !== "" && !this.#quantisations.has(residual))) return;
      this.#giveBytes.add(node);
      if (residual !== "") this.#wanted.add(residual);
    } else if (node.operator === "maxPool2d" && asked) {
      this.#giveBytes.add(node);
      this.#wanted.add(inputs[0]);
    }
  }

  #add(node: Node): void {
    if (this.#convolutions.has(node)) this.#convolution(node as Conv);
    else if (this.#giveBytes.has(node)) {
      const [x] = node.inputs;
      this.#nodes.push({ ...node, inputs: [this.#byte(x)], output: this.#named(node.output) } as Node);
    } else if (node.operator === "enlargeMatrix" && this.#inBytesAlone(node.inputs[0])) {
      // Which is asked for its size alone.
      this.#nodes.push({ ...node, inputs: [this.#byte(node.inputs[0])] });
      this.#reals.add(node.output);
    } else if (node.operator === "adaptiveAvgPool2d" && this.#inBytesAlone(node.inputs[0])) {
      const [x] = node.inputs;
      const attributes = { ...node.attributes, ...this.#quantisations.get(x)! };
      this.#nodes.push({ ...node, operator: "adaptiveAvgPoolOfBytes", inputs: [this.#byte(x)], attributes });
      this.#reals.add(node.output);
    } else {
      const inputs = node.inputs.map((input) => this.#real(input));
      this.#nodes.push({ ...node, inputs } as Node);
      this.#reals.add(node.output);
    }
  }

  #convolution(node: Conv): void {
    const { name, output, attributes } = node;
    const [x, weight, bias = "", residual = ""] = node.inputs;
    const scales = `${weight}.scales`;
    if (!this.#initialisers.has(scales)) {
      const data = weightScales(this.#initialisers.get(weight) as GraphConstant<"float32">);
      this.#initialisers.set(scales, { dtype: "float32", shape: [data.length], data });
    }
    const bytes = this.#giveBytes.has(node);
    const added = residual === "" ? [] : [bytes ? this.#byte(residual) : this.#real(residual)];
    const inputs = [this.#byte(x), weight, scales, bias, ...added];
    const of = (value: string) => (bytes && value !== "" ? this.#quantisations.get(value)! : null);
    if (!bytes) this.#reals.add(output);
    this.#nodes.push({
      name,
      operator: "quantisedConv2d",
      inputs,
      output: bytes ? this.#named(output) : output,
      attributes: {
        ...attributes,
        input: this.#quantisations.get(x)!,
        output: of(output),
        residual: of(residual),
        inPlace: false,
      },
    });
  }

  /** The name of a value's bytes, which are there from here on. */
  #named(value: string): string {
    const name = `${value}.bytes`;
    this.#bytes.set(value, name);
    return name;
  }

  /** The value as bytes; makes them where there are real numbers alone. */
  #byte(value: string): string {
    const known = this.#bytes.get(value);
    if (known !== undefined) return known;
    const output = this.#named(value);
    const attributes = this.#quantisations.get(value)!;
    this.#nodes.push({ name: output, operator: "quantise", inputs: [value], output, attributes });
    return output;
  }

  #inBytesAlone(value: string): boolean {
    return this.#bytes.has(value) && !this.#reals.has(value);
  }

  /** The value as real numbers; makes them where there are bytes alone. */
  #real(value: string): string {
    if (!this.#inBytesAlone(value)) return value;
    const bytes = this.#bytes.get(value)!;
    this.#reals.add(value);
    const attributes = this.#quantisations.get(value)!;
    this.#nodes.push({ name: value, operator: "dequantise", inputs: [bytes], output: value, attributes });
    return value;
  }
}

/** By value. A maximum of bytes is one of what they stand for: it shares the quantisation of what it is of. */
function quantisationsOf(graph: Graph, ranges: Ranges): Map<string, Quantisation> {
  const found = new Map<string, Quantisation>();
  const add = (value: string, name: string) => {
    if (Object.hasOwn(ranges, name)) found.set(value, quantisationOf(ranges[name]));
  };
  for (const { name } of graph.inputs) add(name, name);
  for (const { name, output } of graph.nodes) add(output, name);
  for (const { operator, inputs, output } of graph.nodes) {
    if (operator !== "maxPool2d" || !found.has(output)) continue;
    const of = found.get(inputs[0]);
    if (of) found.set(output, of);
    else found.set(inputs[0], found.get(output)!);
  }
  return found;
}

/** The nodes, each sum in place of its residual where nothing else needs that any more. */
function inPlace(graph: Graph): Node[] {
  const read = readers(graph);
  const made = new Map(graph.nodes.map((node) => [node.output, node]));
  const own = (node: Node | null | undefined, ...operators: readonly Node["operator"][]) =>
    node ? operators.includes(node.operator) : false;
  return graph.nodes.map((node) => {
    const residual = node.operator === "quantisedConv2d" ? (node.inputs[4] ?? "") : "";
    if (residual === "" || node.operator !== "quantisedConv2d") return node;
    const list = read.get(residual)!;
    const alone =
      list.at(-1) === node &&
      node.inputs[0] !== residual &&
      list.every((reader) => own(reader, "quantisedConv2d", "dequantise")) &&
      own(made.get(residual), "quantisedConv2d", "quantise", "scaleChannels");
    return alone ? { ...node, attributes: { ...node.attributes, inPlace: true } } : node;
  });
}
