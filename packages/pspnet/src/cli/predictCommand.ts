import { Command } from "commander";
import { examples, place } from "./options.js";
import { withProtocol } from "./protocolFlags.js";

export function predictCommand(): Command {
  return withProtocol(new Command("predict"))
    .description("segment photographs: index PNG, colour PNG, overlay and JSON of class areas for each")
    .argument("<weights>", "safetensors made by pspnet, or a name that pspnet models --pull lists")
    .argument("<inputs...>", "files, folders or globs; what predict wrote is left out")
    .option("--out <folder>", "where the results go", place, "predictions")
    .option("--logits <file.npy>", "also write the full-resolution float32 logits [classes, h, w]; one image only")
    .addHelpText(
      "after",
      examples(
        "pspnet predict best.safetensors photo.jpg",
        "pspnet predict ade20k-pspnet50 photo.jpg",
        "pspnet predict best.safetensors photos/ --out out",
        "pspnet predict best.safetensors 'photos/**/*.jpg' --flip --json",
      ),
    )
    .action(async (weights: string, inputs: string[], options) =>
      (await import("./predict.js")).predict(weights, inputs, options),
    );
}
