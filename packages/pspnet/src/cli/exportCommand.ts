import { ONNX_OUTPUTS } from "@pspnet/core";
import { Command, Option } from "commander";
import { anySize, examples, someOf } from "./options.js";

export function exportCommand(): Command {
  return new Command("export")
    .description("write a network as a file for other runtimes; needs no libtorch")
    .argument("<weights>", "safetensors made by pspnet")
    .addOption(new Option("--to <format>", "format of the file").choices(["onnx"]).default("onnx"))
    .option("--out <file>", "where it goes; left out, beside the weights")
    .option("--size <any, n or HxW>", "size of the images", anySize, "any")
    .option(
      "--output <list>",
      `${ONNX_OUTPUTS.join(", ")}: at 1/8 of the resolution or the image's, their softmax or argmax`,
      someOf(ONNX_OUTPUTS),
      ["logits"],
    )
    .addOption(new Option("--dtype <name>", "weights and arithmetic").choices(["fp32", "fp16"]).default("fp32"))
    .option("--preprocess", "take photographs, uint8 [n, h, w, 3] RGB, in place of normalised float32 [n, 3, h, w]")
    .option("--json", "one JSON document on standard output")
    .addHelpText(
      "after",
      examples(
        "pspnet export best.safetensors --to onnx",
        "pspnet export best.safetensors --to onnx --size 473 --output labels --preprocess",
        "pspnet export best.safetensors --to onnx --size 713x1425 --dtype fp16 --out street.onnx",
      ),
    )
    .action(async (weights: string, options) => (await import("./export.js")).exportModel(weights, options));
}
