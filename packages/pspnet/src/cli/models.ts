import { type StandardModelOptions, standardModels } from "@pspnet/core";
import { Command, Option } from "commander";
import { table } from "../report/table.js";
import { examples, positive, size } from "./options.js";
import { print, printJson } from "./terminal.js";

interface ModelsFlags extends StandardModelOptions {
  readonly json?: true;
}

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
    .action(models);
}

function models({ classes, size, json }: ModelsFlags): void {
  const { height, width } = size;
  const all = standardModels({ classes, size });
  if (json) {
    printJson({ size: [height, width], models: all });
    return;
  }
  const rows = all.map(({ name, stem, classes, parameters, predictionParameters, direct, factorised }) => [
    name,
    stem,
    String(classes),
    parameters.toLocaleString("en"),
    predictionParameters.toLocaleString("en"),
    direct.toFixed(1),
    factorised.toFixed(1),
  ]);
  print(table(["model", "stem", "classes", "parameters", "in prediction", "GMAC direct", "factorised"], rows));
  print(`\nGMAC: 10^9 multiply-adds of one image of ${height}x${width}; pspnet runs the factorised form`);
}
