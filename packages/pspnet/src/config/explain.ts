import { unknownKey } from "@pspnet/core";
import type { z } from "zod";
import { keysAt } from "./keys.js";

/** What is wrong with a configuration, a line for each thing; `source` is named in each. */
export function explainAll({ issues }: z.ZodError, source: string): string {
  return issues.flatMap((issue) => explain(issue).map((line) => `${source}: ${line}`)).join("\n");
}

function explain(issue: z.core.$ZodIssue): string[] {
  const path = issue.path.join(".");
  if (issue.code !== "unrecognized_keys") return [`${path || "configuration"}: ${issue.message}`];
  const known = keysAt(issue.path);
  return issue.keys.map((key) => unknownKey(path ? `${path}.${key}` : key, known));
}
