import { Command } from "commander";
import { examples } from "./options.js";
import { withNetwork } from "./protocolFlags.js";

export function workCommand(): Command {
  return withNetwork(
    new Command("work")
      .description("segment the photographs of a server's jobs, beside other workers, here and on other machines")
      .argument("<weights...>", "as the server was given them: networks are known by their names")
      .requiredOption("--jobs <redis-url>", "where the server keeps jobs")
      .option("--log <level>", "trace, debug, info, warn, error or silent, on standard error", "info"),
  )
    .addHelpText(
      "after",
      examples(
        "pspnet serve best.safetensors --jobs redis://127.0.0.1:6379",
        "pspnet work best.safetensors --jobs redis://127.0.0.1:6379",
      ),
    )
    .action(async (weights: string[], options) => (await import("./work.js")).workUntilStopped(weights, options));
}
