import { Command } from "commander";

export function checkCommand(): Command {
  return new Command("check")
    .description("what this machine has: processor, libtorch, what is missing and the command that mends it")
    .option("--json", "one JSON document on standard output")
    .action(async (options) => (await import("./check.js")).check(options));
}
