import { PspnetError } from "@pspnet/core";
import type { Input } from "./input.js";
import type { Target } from "./targets.js";

export type Verdict =
  | { readonly kind: "accepted" }
  | { readonly kind: "refused"; readonly message: string }
  /** @param problem The same for inputs that fail alike. */
  | { readonly kind: "failed"; readonly problem: string };

/** Letters of an error's line at most: people read it. */
const LINE = 2000;

/** Whether the target reads an input, or says properly what is wrong with it. */
export async function judge(target: Target, input: Input): Promise<Verdict> {
  try {
    await target.read(input);
    return { kind: "accepted" };
  } catch (error) {
    if (!(error instanceof PspnetError)) return { kind: "failed", problem: located(error as Error) };
    const { message } = error;
    if (target.namesFile && !input.some(({ name }) => message.includes(name))) {
      return { kind: "failed", problem: `an error that names no file: ${message.slice(0, 80)}` };
    }
    if (message.split("\n").some((line) => line.length > LINE)) {
      return { kind: "failed", problem: `an error of ${LINE} letters: ${message.slice(0, 40)}${located(error)}` };
    }
    return { kind: "refused", message };
  }
}

/** The error and where in the packages it was thrown. */
function located({ name, message, stack = "" }: Error): string {
  const frame = stack.split("\n").find((line) => /\/packages\/|node_modules/.test(line)) ?? "";
  return `${name}: ${message.slice(0, 80)} ${frame.trim().replace(/file:\S*?\/packages\//, "")}`;
}
