import { Command } from "commander";
import { examples, format, place, positive } from "./options.js";
import { withProtocol } from "./protocolFlags.js";
import { withRanks } from "./rankFlags.js";

export function valCommand(): Command {
  const command = withRanks(
    withProtocol(new Command("val")),
    "writes part-i-of-n.json, for --merge, into --out or here",
  );
  return command
    .usage("<weights> --data <folder> [options]\n       pspnet val --merge <parts...> [options]")
    .description("score weights on a labelled dataset: pixel accuracy, mean accuracy, mIoU, per-class table")
    .argument("[weights]", "safetensors made by pspnet, or a name that pspnet models --pull lists")
    .option(
      "--data <folder>",
      "dataset (required): a folder, or the YAML file of a training run; by --merge where it is now",
    )
    .option("--split <name>", "split, folder of images or list file of the dataset", "val")
    .addOption(format())
    .option(
      "--out <folder>",
      "write there a page of errors to look at, the predictions, and the confusion matrix",
      place,
    )
    .option("--worst <n>", "images that the page shows, those of the smallest IoU first", positive, 60)
    .option("--store", "write the score, its protocol and this command into the weights file")
    .option(
      "--merge <parts...>",
      "the score that the parts make up which --shard wrote: their files, or folders of them",
    )
    .addHelpText(
      "after",
      examples(
        "pspnet val runs/camvid/weights/best.safetensors --data data/camvid",
        "pspnet val best.safetensors --data data/camvid --scales 0.5,0.75,1,1.25,1.5,1.75 --flip",
        "pspnet val best.safetensors --data data/cityscapes --crop 713 --json",
        "pspnet val best.safetensors --data data/camvid --ranks 2",
        "torchrun --nproc-per-node 2 --no-python npx pspnet val best.safetensors --data data/camvid",
        "pspnet val best.safetensors --data data/camvid --shard 1/2 --out scores",
        "pspnet val --merge scores",
      ),
    )
    .action(async (weights: string | undefined, options) => {
      const { merge, val } = await import("./val.js");
      if (options.merge) {
        const given = command.options.filter((one) => command.getOptionValueSource(one.attributeName()) === "cli");
        return merge(options, { weights, given: given.map(({ long }) => long!) });
      }
      if (weights === undefined) return command.error("error: missing required argument 'weights'");
      if (options.data === undefined) command.error("error: required option '--data <folder>' not specified");
      await val(weights, options);
    });
}
