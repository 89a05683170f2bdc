import { type ErrorCode, PspnetError } from "@pspnet/core";
import type { z } from "zod";
import { inWords } from "./inWords.js";
import { explainKey } from "./keys.js";

/** Who gave the value at a path of a configuration, for messages: a file, the command line, a function. */
export type Source = (path: readonly PropertyKey[]) => string;

/**
 * What a schema of the configuration makes of `given`.
 *
 * @param options.source is named in errors, whose code is `options.code`.
 * @throws PspnetError with a line for each thing that is wrong: who said it, the key, what was expected, and the nearest known key.
 */
export function parseBy<S extends z.ZodType>(
  schema: S,
  given: unknown,
  { source, code }: { readonly source: Source; readonly code: ErrorCode },
): z.output<S> {
  const result = schema.safeParse(given, { error: inWords });
  if (result.success) return result.data;
  throw new PspnetError(code, result.error.issues.flatMap((issue) => explain(issue, source)).join("\n"));
}

function explain(issue: z.core.$ZodIssue, source: Source): string[] {
  const { path } = issue;
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => `${source([...path, key])}: ${explainKey(path, key)}`);
  const unknown = issue.code === "custom" ? issue.params?.unknown : undefined;
  const from = source(unknown === undefined ? path : [...path, unknown]);
  return [`${from}: ${path.join(".") || "configuration"}: ${issue.message}`];
}
