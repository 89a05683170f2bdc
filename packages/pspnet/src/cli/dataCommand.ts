import { Argument, Command, Option } from "commander";
import { PREPARATIONS } from "../data/prepare/preparations.js";
import { examples, format, integer, place, size } from "./options.js";

export function dataCommand(): Command {
  return new Command("data")
    .description(
      "turn a published dataset into what training reads; look one over before a run; make the example scenes",
    )
    .addCommand(prepareCommand())
    .addCommand(checkCommand())
    .addCommand(makeCommand());
}

function checkCommand(): Command {
  return new Command("check")
    .description("ids, sizes, missing and broken files, empty classes, and contact sheets of overlays")
    .argument("<folder>", "dataset: a folder, or the YAML file of a training run")
    .addOption(
      new Option("--split <list>", "splits, folders of images or list files in the dataset, separated by commas")
        .argParser((text: string) => text.split(","))
        .default(["train", "val"], "train,val"),
    )
    .addOption(format())
    .option("--classes <names>", "preset, file of names, or names separated by commas")
    .option(
      "--out <folder>",
      "where check.json and the contact sheets go (default: runs/check-<name of the dataset>)",
      place,
    )
    .option("--json", "one JSON document on standard output")
    .addHelpText(
      "after",
      examples(
        "pspnet data check data/camvid",
        "pspnet data check mydata --classes background,cat,dog",
        "pspnet data check mydata --split lists/train.txt,lists/val.txt",
      ),
    )
    .action(async (folder: string, options) => (await import("./data.js")).check(folder, options));
}

function prepareCommand(): Command {
  const known = PREPARATIONS.map(
    ({ name, title, layout }) => `  ${name.padEnd(16)}${title}:\n${" ".repeat(18)}${layout}`,
  );
  return new Command("prepare")
    .description("lists, masks and configuration for a dataset as it is published, or as a program exports it")
    .addArgument(new Argument("<name>", "which dataset").choices(PREPARATIONS.map(({ name }) => name)))
    .argument("<folder>", "where it was unpacked")
    .option(
      "--out <folder>",
      "where lists, masks and configuration go (default: pspnet in the dataset's folder)",
      place,
    )
    .option("--sbd <folder>", "voc2012: where SBD was unpacked, unless beside it (benchmark_RELEASE)")
    .option("--seed <n>", "seed of the split, where the dataset has none", integer, 0)
    .option("--json", "one JSON document on standard output")
    .addHelpText("after", `\nDatasets:\n${known.join("\n")}\n`)
    .addHelpText(
      "after",
      examples(
        "pspnet data prepare ade20k ADEChallengeData2016",
        "pspnet data prepare voc2012 VOCdevkit/VOC2012 --sbd benchmark_RELEASE",
      ),
    )
    .action(async (name: string, folder: string, options) =>
      (await import("./data.js")).prepareDataset(name, folder, options),
    );
}

function makeCommand(): Command {
  return new Command("make")
    .description("make a synthetic dataset with exact labels")
    .addArgument(new Argument("<what>", "what to make").choices(["scenes"]))
    .argument("<folder>", "where it goes")
    .option("--train <n>", "training images", integer, 800)
    .option("--val <n>", "validation images", integer, 100)
    .addOption(
      new Option("--size <n or HxW>", "size of the images").argParser(size).default({ height: 160, width: 160 }, "160"),
    )
    .option("--seed <n>", "seed", integer, 0)
    .addHelpText(
      "after",
      examples("pspnet data make scenes scenes", "pspnet data make scenes big --size 480x640 --train 5000 --val 500"),
    )
    .action(async (_what: string, folder: string, options) => (await import("./data.js")).makeScenes(folder, options));
}
