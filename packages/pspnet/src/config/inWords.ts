import { shown } from "@pspnet/core";
import type { z } from "zod";

type Issue = z.core.$ZodRawIssue | z.core.$ZodIssue;

/** What a value should be and is, in the words of every other message. */
export const inWords: z.core.$ZodErrorMap = (issue) => told(expectation(issue) ?? "another value", issue.input);

/** The same for a check that says itself what it expects. */
export const expected =
  (what: string): z.core.$ZodErrorMap =>
  (issue) =>
    told(what, issue.input);

function told(what: string, found: unknown): string {
  return `expected ${what}, found ${found === undefined || found === null ? "nothing" : shown(found)}`;
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

function expectation(issue: Issue): string | undefined {
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

/** What is counted of a list. */
function counted(origin: string): string {
  return origin === "array" ? " of them" : "";
}

function either(choices: readonly string[]): string {
  const last = choices[choices.length - 1];
  return choices.length > 1 ? `${choices.slice(0, -1).join(", ")} or ${last}` : last;
}
