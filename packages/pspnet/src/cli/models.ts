import { type StandardModelOptions, standardModels } from "@pspnet/core";
import { Command, Option } from "commander";
import { datasetClasses, datasetTitle, type ZooEntry, zoo } from "../pull/zoo.js";
import { table } from "../report/table.js";
import { examples, positive, size } from "./options.js";
import { print, printJson } from "./terminal.js";

interface ModelsFlags extends StandardModelOptions {
  readonly pull?: true;
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
    .option("--pull", "published weights instead, that pspnet pull fetches, with licence and published score")
    .option("--json", "one JSON document on standard output")
    .addHelpText(
      "after",
      examples("pspnet models", "pspnet models --classes 19 --size 713 --json", "pspnet models --pull"),
    )
    .action((flags: ModelsFlags) => (flags.pull ? published(flags) : models(flags)));
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

function published({ classes, json }: ModelsFlags): void {
  const all = zoo().filter((entry) => classes === undefined || datasetClasses(entry) === classes);
  if (json) {
    printJson(all);
    return;
  }
  const short = (entry: ZooEntry) => entry.short !== null || entry.alone;
  const inOrder = [...all.filter(short), ...all.filter((entry) => !short(entry))];
  const rows = inOrder.map((entry) => [
    entry.short ?? entry.name,
    datasetTitle(entry),
    String(datasetClasses(entry)),
    entry.supported ? entry.backbone : `${entry.backbone} (not here yet)`,
    entry.score.toFixed(2),
    entry.averaged?.toFixed(2) ?? "-",
    entry.licence,
    entry.source,
  ]);
  print(table(["name", "data set", "classes", "backbone", "score", "averaged", "licence", "published by"], rows));
  print(
    "\nscore: mean IoU in per cent as published, of a backbone alone top-1 accuracy; averaged: over scales and mirror images",
  );
  print("licence: of the weights' publisher; the images that they were trained on have terms of their own");
}
