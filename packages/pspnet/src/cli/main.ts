import { PspnetError } from "@pspnet/core";
import { CommanderError } from "commander";
import { program } from "./program.js";

/** Exit codes: 0 done, 1 failed, 2 the command or its configuration was wrong. */
function exitCode(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  return error instanceof PspnetError && (error.code === "usage" || error.code === "config") ? 2 : 1;
}

try {
  await program().parseAsync(process.argv);
} catch (error) {
  // Commander has printed its own message already.
  if (error instanceof PspnetError) process.stderr.write(`pspnet: ${error.message}\n`);
  else if (!(error instanceof CommanderError)) process.stderr.write(`pspnet: ${(error as Error).stack}\n`);
  process.exitCode = exitCode(error);
}
