import { Command, Option } from "commander";
import { examples, positive, size } from "./options.js";

export function modelsCommand(): Command {
  return new Command("models")
    .description("the standard networks with parameters and GMAC, direct and factorised")
    .option("--classes <n>", "only with this number of classes", positive)
    .addOption(
      new Option("--size <n or HxW>", "size of the image for GMAC")
        .argParser(size)
        .default({ height: 473, width: 473 }, "473"),
    )
    .option("--json", "one JSON document on standard output")
    .addHelpText("after", examples("pspnet models", "pspnet models --classes 19 --size 713 --json"))
    .action(async (options) => (await import("./models.js")).models(options));
}
