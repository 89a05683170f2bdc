import { PspnetError } from "@pspnet/core";
import { CommanderError } from "commander";
import { program } from "./program.js";
import { messages, outliveReaders } from "./terminal.js";

/** Exit codes: 0 done, 1 failed, 2 the command or its configuration was wrong. */
function exitCode(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  return error instanceof PspnetError && (error.code === "usage" || error.code === "config") ? 2 : 1;
}

/** What went wrong; where in the program only if that is what is wrong. */
function told(error: Error & { readonly code?: string; readonly syscall?: string }): string {
  if (error instanceof PspnetError || error.syscall !== undefined) return error.message;
  return error.code === "ERR_LIBTORCH" ? `libtorch: ${error.message}` : (error.stack ?? error.message);
}

outliveReaders();
// Node's own way of telling warnings asks for flags of node.
process.removeAllListeners("warning").on("warning", ({ message }) => messages.write(`pspnet: ${message}\n`));
try {
  await program().parseAsync(process.argv);
} catch (error) {
  // Commander has printed its own message already.
  if (!(error instanceof CommanderError)) messages.write(`pspnet: ${told(error as Error)}\n`);
  process.exitCode = exitCode(error);
}
