import { families } from "@pspnet/core";
import { Command, Option } from "commander";
import { examples, place, positive } from "./options.js";

export function importCommand(): Command {
  return new Command("import")
    .usage("<files...> [key=value...] [options]")
    .description("make weights of ours from a checkpoint that another program wrote; needs no Python and no libtorch")
    .argument(
      "<files...>",
      "one checkpoint, in its files; keys and values over what is taken for granted of its network",
    )
    .addOption(
      new Option("--from <family>", "whose names the tensors have")
        .choices(["auto", ...families.map(({ name }) => name)])
        .default("auto"),
    )
    .option("--out <file>", "where it goes; left out, beside the checkpoint", place)
    .option("--classes <names>", "names.txt, classes.json, a list, ade20k, voc2012, cityscapes, camvid, camvid-semseg")
    .option("--crop <n>", "side of the training crops, and of the windows that predictions slide", positive)
    .option("--licence <text>", "what the weights' authors allow")
    .addOption(
      new Option("--to <format>", "torch: from weights of ours a .pth with the official release's names")
        .choices(["safetensors", "torch"])
        .default("safetensors"),
    )
    .option("--json", "one JSON document on standard output")
    .addHelpText(
      "after",
      examples(
        "pspnet import train_epoch_100.pth --out ade20k.safetensors",
        "pspnet import encoder_epoch_20.pth decoder_epoch_20.pth --out ade20k.safetensors --json",
        "pspnet import iter_40000.pth upsampling.alignCorners=true pyramid.alignCorners=true --classes names.txt",
        "pspnet import best.safetensors --to torch --out best.pth",
      ),
    )
    .action(async (given: string[], flags) => (await import("./import.js")).importFiles(given, flags));
}
