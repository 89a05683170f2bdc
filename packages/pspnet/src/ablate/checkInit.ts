import { existsSync } from "node:fs";
import { PspnetError } from "@pspnet/core";
import { publishedWeights } from "../pull/weightsFile.js";
import type { StudyTable } from "./study.js";

/** @throws PspnetError "config" naming the files that runs are to start from and that are not there, before any of them does. */
export function checkInit(tables: readonly StudyTable[]): void {
  const wanted = new Set(tables.flatMap(({ rows }) => rows.map(({ variant }) => variant.config.init)));
  const missing = [...wanted].filter((init) => init !== null && !existsSync(init) && publishedWeights(init) === null);
  if (missing.length === 0) return;
  const mend = "{depth} in init= is the depth of the backbone; leave depths out by depths=[...]";
  throw new PspnetError("config", `init: expected weights to start from, found none in ${missing.join(", ")}; ${mend}`);
}
