import { Command } from "commander";
import { examples, offline } from "./options.js";

export function pullCommand(): Command {
  return new Command("pull")
    .description("fetch published weights by name and import them, for predict, val, export and init=")
    .argument("<names...>", "names that pspnet models --pull lists")
    .addOption(offline())
    .option("--unverified", "take files although hash or size are not the published ones")
    .option("--json", "one JSON document on standard output, progress on standard error")
    .addHelpText(
      "after",
      examples("pspnet models --pull", "pspnet pull ade20k-pspnet50", "pspnet pull resnet50 resnet101 --json") +
        "\nKept in PSPNET_HOME, else in XDG_CACHE_HOME/pspnet or ~/.cache/pspnet. HTTPS_PROXY, HTTP_PROXY and NO_PROXY lead\n" +
        "through proxies; PSPNET_OFFLINE=1 is --offline for every command.\n",
    )
    .action(async (names: string[], options) => (await import("./pull.js")).pullAll(names, options));
}
