import { Command, InvalidArgumentError, Option } from "commander";
import { examples, format, integer, offline, place, positive } from "./options.js";

export function quantiseCommand(): Command {
  return new Command("quantise")
    .usage("<weights> --images <folder> [options]")
    .description(
      "make weights that run in int8 (--precision int8), calibrated on photographs such as they are to see; a quarter of the size",
    )
    .argument("<weights>", "safetensors made by pspnet, or a name that pspnet models --pull lists")
    .requiredOption("--images <folder>", "photographs to calibrate on (required); masks are not needed")
    .option("--out <file>", "where it goes; left out, beside the weights", place)
    .option(
      "--data <folder>",
      "labelled dataset, or the YAML file of a training run: what int8 costs in mIoU is scored on it",
    )
    .option("--split <name>", "split, folder of images or list file of that dataset", "val")
    .addOption(format())
    .option("--count <n>", "photographs to calibrate on, from all over the folder", positive, 32)
    .addOption(
      new Option("--calibration <name>", "how ranges of numbers are found: percentile, or entropy (Kullback-Leibler)")
        .choices(["percentile", "entropy"])
        .default("percentile"),
    )
    .option(
      "--percentile <p>",
      "share of a value's numbers, but for 0, that its range holds, in per cent",
      share,
      99.99,
    )
    .option("--threads <n>", "compute threads; 0: one per core", integer, 0)
    .addOption(offline())
    .option("--json", "one JSON document on standard output, progress on standard error")
    .addHelpText(
      "after",
      examples(
        "pspnet quantise best.safetensors --images photos",
        "pspnet quantise best.safetensors --images data/camvid/train --data data/camvid --out street.int8.safetensors",
        "pspnet predict best.int8.safetensors photo.jpg --precision int8",
      ),
    )
    .action(async (weights: string, flags) => (await import("./quantise.js")).quantiseWeights(weights, flags));
}

function share(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value > 50 && value <= 100) return value;
  throw new InvalidArgumentError("expected a number above 50, 100 at most.");
}
