import { Command, Option } from "commander";
import { examples, place, positive, smoothing } from "./options.js";
import { withProtocol } from "./protocolFlags.js";
import { withRanks } from "./rankFlags.js";

/** Seconds that are long beside a flicker and short beside what moves. */
const SMOOTH = 0.2;

export function predictCommand(): Command {
  return withRanks(withProtocol(new Command("predict")), "all together write what one process does")
    .description(
      "segment photographs: index PNG, colour PNG, overlay and JSON of class areas for each; and films: overlay film and a line of areas for each frame",
    )
    .argument("<weights>", "safetensors made by pspnet, or a name that pspnet models --pull lists")
    .argument("<inputs...>", "files, folders or globs; what predict wrote is left out")
    .option("--out <folder>", "where the results go", place, "predictions")
    .option("--every <n>", "of films: segment the first of so many frames", positive)
    .addOption(
      new Option(
        "--smooth [seconds]",
        "of films: average class probabilities over time, with weights that fall to 1/e in so many seconds",
      )
        .argParser(smoothing)
        .preset(SMOOTH),
    )
    .option("--logits <file.npy>", "also write the full-resolution float32 logits [classes, h, w]; one image only")
    .addOption(
      new Option(
        "--submit <server>",
        "write just what a benchmark's server takes, ready to be packed: label ids, palette or ids from 1",
      ).choices(["cityscapes", "voc", "ade20k"]),
    )
    .addHelpText(
      "after",
      examples(
        "pspnet predict best.safetensors photo.jpg",
        "pspnet predict scenes photo.jpg",
        "pspnet predict ade20k-pspnet50 photo.jpg",
        "pspnet predict best.safetensors photos/ --out out",
        "pspnet predict best.safetensors film.mp4 --every 5",
        "pspnet predict best.safetensors film.mp4 --smooth",
        "pspnet predict cs.safetensors leftImg8bit/test --protocol semseg --submit cityscapes --out submission",
        "pspnet predict best.safetensors 'photos/**/*.jpg' --flip --json",
        "pspnet predict best.safetensors photos/ --ranks 2",
        "pspnet predict best.safetensors photos/ --shard 1/8",
      ),
    )
    .action(async (weights: string, inputs: string[], options) =>
      (await import("./predict.js")).predict(weights, inputs, options),
    );
}
