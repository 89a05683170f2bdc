import { Command } from "commander";
import { examples, format, place, positive } from "./options.js";
import { withProtocol } from "./protocolFlags.js";

export function valCommand(): Command {
  return withProtocol(new Command("val"))
    .usage("<weights> --data <folder> [options]")
    .description("score weights on a labelled dataset: pixel accuracy, mean accuracy, mIoU, per-class table")
    .argument("<weights>", "safetensors made by pspnet, or a name that pspnet models --pull lists")
    .requiredOption("--data <folder>", "dataset (required): a folder, or the YAML file of a training run")
    .option("--split <name>", "split, folder of images or list file of the dataset", "val")
    .addOption(format())
    .option(
      "--out <folder>",
      "write there a page of errors to look at, the predictions, and the confusion matrix",
      place,
    )
    .option("--worst <n>", "images that the page shows, those of the smallest IoU first", positive, 60)
    .option("--store", "write the score, its protocol and this command into the weights file")
    .addHelpText(
      "after",
      examples(
        "pspnet val runs/camvid/weights/best.safetensors --data data/camvid",
        "pspnet val best.safetensors --data data/camvid --scales 0.5,0.75,1,1.25,1.5,1.75 --flip",
        "pspnet val best.safetensors --data data/cityscapes --crop 713 --json",
      ),
    )
    .action(async (weights: string, options) => (await import("./val.js")).val(weights, options));
}
