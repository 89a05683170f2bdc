/** How what is computed in bytes is said in ONNX: QuantizeLinear and DequantizeLinear around float operators, which runtimes fuse. */
import type { GraphConstant, Node, Quantisation } from "../graph/graph.js";
import type { LoweringContext } from "./context.js";
import { ACTIVATIONS, convolutionAttributes } from "./lower.js";

interface QuantiseOptions {
  readonly as: Quantisation;
  readonly output: string;
}

/** Real numbers as bytes. */
export function quantised(context: LoweringContext, x: string, { as, output }: QuantiseOptions): string {
  return context.builder.node("QuantizeLinear", [x, ...constants(context, as)], { output });
}

/** What bytes stand for. */
export function dequantised(context: LoweringContext, x: string, { as, output }: QuantiseOptions): string {
  return context.builder.node("DequantizeLinear", [x, ...constants(context, as)], { output });
}

function constants({ builder }: LoweringContext, { scale, zeroPoint }: Quantisation): [string, string] {
  const zero = builder.wholes(`byte_${zeroPoint}`, Uint8Array.of(zeroPoint), []);
  return [builder.scalar(scale), zero];
}

/**
 * The convolution of real numbers that bytes, whole weights and a whole bias stand for, the sum with a residual and the activation, and
 * what becomes of that as bytes again.
 */
export function quantisedConv2d(context: LoweringContext, node: Node<"quantisedConv2d">): void {
  const { builder } = context;
  const { name, inputs, output, attributes } = node;
  const [x, weight, , bias = "", residual = ""] = inputs;
  const named = (part: string) => `${name}.${part}`;
  const real = dequantised(context, x, { as: attributes.input, output: named("input") });
  const parts = [real, realWeight(context, node)];
  if (bias !== "") parts.push(realBias(context, node));
  const told = convolutionAttributes(context, weight, attributes);
  const { activation, output: as } = attributes;
  const last = as === null ? output : named("real");
  const of = (isLast: boolean, part: string) => (isLast ? last : named(part));
  let value = builder.node("Conv", parts, {
    output: of(!activation && residual === "", "convolution"),
    attributes: told,
  });
  if (residual !== "") {
    const added =
      attributes.residual === null
        ? context.input(residual)
        : dequantised(context, residual, { as: attributes.residual, output: named("residual") });
    value = builder.node("Add", [value, added], { output: of(!activation, "sum") });
  }
  if (activation) ACTIVATIONS[activation](context, value, last);
  if (as !== null) quantised(context, last, { as, output });
}

/** Weights as int8 and a scale for each output. */
function realWeight(context: LoweringContext, { name, inputs }: Node<"quantisedConv2d">): string {
  const { builder } = context;
  const [, weight, scales] = inputs;
  const { shape, data } = floats(context, weight);
  const of = floats(context, scales).data;
  const size = data.length / shape[0];
  const levels = Int8Array.from(data, (value, i) => level(value / of[Math.floor(i / size)], 127));
  return perOutput(context, builder.wholes(`${weight}.levels`, levels, shape), {
    scales: context.input(scales),
    zeros: builder.wholes(`zeros_int8_${shape[0]}`, new Int8Array(shape[0]), [shape[0]]),
    output: `${name}.weight`,
  });
}

/** A bias in whole numbers of what products of bytes and weights stand for. */
function realBias(context: LoweringContext, { name, inputs, attributes: { input } }: Node<"quantisedConv2d">): string {
  const { builder } = context;
  const [, , scales, bias] = inputs;
  const { shape, data } = floats(context, bias);
  const steps = floats(context, scales).data.map((scale) => scale * input.scale);
  const whole = Int32Array.from(data, (value, i) => level(value / steps[i], 2 ** 31 - 1));
  return perOutput(context, builder.wholes(`${name}.bias.levels`, whole, shape), {
    scales: builder.floats(`${name}.bias.scales`, steps, { shape }),
    zeros: builder.wholes(`zeros_int32_${shape[0]}`, new Int32Array(shape[0]), [shape[0]]),
    output: `${name}.bias`,
  });
}

interface PerOutput {
  readonly scales: string;
  readonly zeros: string;
  readonly output: string;
}

function perOutput({ builder }: LoweringContext, levels: string, { scales, zeros, output }: PerOutput): string {
  return builder.node("DequantizeLinear", [levels, scales, zeros], { output, attributes: { axis: 0 } });
}

function floats({ graph }: LoweringContext, name: string): GraphConstant<"float32"> {
  return graph.initialisers.get(name) as GraphConstant<"float32">;
}

/** The nearest whole number, within bounds. */
function level(value: number, most: number): number {
  return Math.max(-most, Math.min(most, Math.round(value)));
}
