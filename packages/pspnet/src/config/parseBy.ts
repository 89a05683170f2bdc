import { type ErrorCode, PspnetError, unknownKey } from "@pspnet/core";
import type { z } from "zod";
import { keysAt } from "./keys.js";

/**
 * What a schema of the configuration makes of `given`.
 *
 * @param options.source is named in errors, whose code is `options.code`.
 * @throws PspnetError with a line for each thing that is wrong: the key, what was expected, and the nearest known key.
 */
export function parseBy<S extends z.ZodType>(
  schema: S,
  given: unknown,
  { source, code }: { readonly source: string; readonly code: ErrorCode },
): z.output<S> {
  const result = schema.safeParse(given, { error: inWords });
  if (result.success) return result.data;
  const lines = result.error.issues.flatMap(explain);
  throw new PspnetError(code, lines.map((line) => `${source}: ${line}`).join("\n"));
}

function explain(issue: z.core.$ZodIssue): string[] {
  const path = issue.path.join(".");
  if (issue.code !== "unrecognized_keys") return [`${path || "configuration"}: ${issue.message}`];
  const known = keysAt(issue.path);
  return issue.keys.map((key) => unknownKey(path ? `${path}.${key}` : key, known));
}

const TYPES: Readonly<Record<string, string>> = {
  number: "a number",
  int: "a whole number",
  string: "text",
  boolean: "true or false",
  array: "a list",
  record: "keys and values",
  object: "keys and values",
};

/** What a value should be and is, in the words of every other message. */
const inWords: z.core.$ZodErrorMap = (issue) => {
  const expected = expectation(issue);
  return expected && `expected ${expected}, found ${found(issue.input)}`;
};

function expectation(issue: z.core.$ZodRawIssue | z.core.$ZodIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return TYPES[issue.expected];
    case "invalid_value":
      return either(issue.values.map(String));
    case "invalid_union":
      return either(issue.errors.flatMap(([first]) => expectation(first) ?? []));
    case "too_small":
      return `${issue.inclusive ? "at least" : "more than"} ${issue.minimum}${counted(issue.origin)}`;
    case "too_big":
      return `${issue.inclusive ? "at most" : "less than"} ${issue.maximum}${counted(issue.origin)}`;
  }
}

/** What is counted of a list or a text. */
function counted(origin: string): string {
  return origin === "array" ? " of them" : origin === "string" ? " letters" : "";
}

function either(choices: readonly string[]): string {
  const last = choices[choices.length - 1];
  return choices.length > 1 ? `${choices.slice(0, -1).join(", ")} or ${last}` : last;
}

function found(value: unknown): string {
  if (typeof value === "number") return String(value);
  return value === undefined || value === null ? "nothing" : JSON.stringify(value);
}
