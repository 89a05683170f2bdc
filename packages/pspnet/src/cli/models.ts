import { type PublishedModelOptions, publishedModels } from "@pspnet/core";
import { Command, Option } from "commander";
import { allNamed, datasetClasses, datasetTitle, type ZooEntry } from "../pull/zoo.js";
import { table } from "../report/table.js";
import { classCount, examples, size } from "./options.js";
import { print, printJson } from "./terminal.js";

interface ModelsFlags extends PublishedModelOptions {
  readonly pull?: true;
  readonly json?: true;
}

export function modelsCommand(): Command {
  return new Command("models")
    .description(
      "published networks, for model.preset: parameters, GMAC of a crop, direct and factorised, and what they follow",
    )
    .option("--classes <n>", "with this number of classes; of --pull, only those", classCount)
    .addOption(
      new Option("--size <n or HxW>", "size of the image for GMAC, in place of the training crop").argParser(size),
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
  const all = publishedModels({ classes, size });
  if (json) {
    printJson({ models: all });
    return;
  }
  const rows = all.map(({ name, classes, size, parameters, predictionParameters, direct, factorised, follows }) => [
    name,
    String(classes),
    `${size.height}x${size.width}`,
    parameters.toLocaleString("en"),
    predictionParameters.toLocaleString("en"),
    direct.toFixed(1),
    factorised.toFixed(1),
    follows,
  ]);
  const headings = ["model", "classes", "image", "parameters", "in prediction", "GMAC direct", "factorised", "follows"];
  print(table(headings, rows));
  print("\nGMAC: 10^9 multiply-adds of one image; pspnet runs the factorised form");
}

function published({ classes, json }: ModelsFlags): void {
  const all = allNamed().filter((entry) => classes === undefined || datasetClasses(entry) === classes);
  if (json) {
    printJson(all);
    return;
  }
  const short = (entry: ZooEntry) => entry.short !== null || entry.alone || entry.source === "pspnet";
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
