import { ConfusionMatrix } from "@pspnet/core";
import { ErrorLog } from "../report/errorLog.js";
import type { Findings } from "./evaluation.js";

/** What was found in all of these shares of images; their seconds add up too. */
export function addUp(classes: number, shares: readonly Findings[]): Findings {
  const confusion = new ConfusionMatrix(classes);
  for (const { counts } of shares) confusion.merge(new ConfusionMatrix(classes, counts));
  const logs = shares.flatMap(({ errors }) => errors ?? []);
  return {
    counts: confusion.toJSON().counts,
    seconds: shares.reduce((all, { seconds }) => all + seconds, 0),
    errors: logs.length === shares.length ? new ErrorLog(classes, logs).toJSON() : null,
  };
}
