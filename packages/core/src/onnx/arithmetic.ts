import type { LoweringContext, Side } from "./context.js";

const OPERATORS = { "+": "Add", "-": "Sub", "*": "Mul", "/": "Div" } as const;
type Infix = keyof typeof OPERATORS;

/** A node on float32 values and numbers: `math(a, "+", b)`, or by ONNX's name, `math("Clip", x, 0, 1)`. Gives its result's name. */
export interface Arithmetic {
  (a: Side, operator: Infix, b: Side): string;
  (operator: "Abs" | "Floor" | "Relu", x: Side): string;
  (operator: "Min" | "Max", a: Side, b: Side): string;
  (operator: "Clip", x: Side, low: Side, high: Side): string;
  (operator: "Range", start: Side, end: Side, step: Side): string;
}

/** Arithmetic inside a model, its values named `stem` and a number. */
export function arithmetic({ builder }: LoweringContext, stem: string) {
  let count = 0;
  const math: Arithmetic = (first: Side, ...rest: readonly Side[]): string => {
    const infix = OPERATORS[rest[0] as Infix];
    const [operator, inputs] = infix ? [infix, [first, rest[1]]] : [String(first), rest];
    const names = inputs.map((input) => (typeof input === "number" ? builder.scalar(input) : input));
    return builder.node(operator, names, { output: `${stem}.${++count}` });
  };
  /** 0, 1, ... below `size`, reshaped. */
  const range = (size: Side, shape: readonly number[]): string => {
    if (typeof size === "string") {
      return builder.node("Reshape", [math("Range", 0, size, 1), builder.integers(shape)], {
        output: `${stem}.${++count}`,
      });
    }
    const counted = Float32Array.from({ length: size }, (_, i) => i);
    const known = shape.map((side) => (side === -1 ? size : side));
    return builder.floats(`${stem}.${++count}`, counted, { shape: known });
  };
  return { math, range };
}
