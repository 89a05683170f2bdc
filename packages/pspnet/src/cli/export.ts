import { ONNX_OUTPUTS, type OnnxOptions } from "@pspnet/core";
import { Command, Option } from "commander";
import { anySize, examples, offline, place, someOf } from "./options.js";

export interface ExportFlags extends Omit<OnnxOptions, "externalData" | "dtype"> {
  readonly to: "onnx" | "safetensors";
  readonly dtype: "fp32" | "fp16" | "int8";
  readonly out?: string;
  readonly offline?: true;
  readonly json?: true;
}

export function exportCommand(): Command {
  return new Command("export")
    .description("write a network as a file for other runtimes, or its weights in half the room; needs no libtorch")
    .argument("<weights>", "safetensors made by pspnet, or a name that pspnet models --pull lists")
    .addOption(new Option("--to <format>", "format of the file").choices(["onnx", "safetensors"]).default("onnx"))
    .option("--out <file>", "where it goes; left out, beside the weights", place)
    .option("--size <any, n or HxW>", "size of the images", anySize, "any")
    .addOption(
      new Option(
        "--output <list>",
        `${ONNX_OUTPUTS.join(", ")}: at 1/8 of the resolution or the image's, their softmax or argmax`,
      )
        .argParser(someOf(ONNX_OUTPUTS))
        .default(["logits"], "logits"),
    )
    .addOption(
      new Option("--dtype <name>", "weights, and ONNX's arithmetic; int8 of weights that pspnet quantise made")
        .choices(["fp32", "fp16", "int8"])
        .default("fp32"),
    )
    .option(
      "--preprocess",
      "take images, uint8 [n, h, w, channels], RGB, in place of normalised float32 [n, channels, h, w]",
    )
    .addOption(offline())
    .option("--json", "one JSON document on standard output")
    .addHelpText(
      "after",
      examples(
        "pspnet export best.safetensors --to onnx",
        "pspnet export best.safetensors --to onnx --size 473 --output labels --preprocess",
        "pspnet export best.safetensors --to onnx --size 713x1425 --dtype fp16 --out street.onnx",
        "pspnet export best.int8.safetensors --to onnx --dtype int8",
        "pspnet export best.safetensors --to safetensors --dtype fp16",
      ),
    )
    .action(async (weights: string, flags: ExportFlags, command: Command) => {
      if (flags.to === "onnx") return (await import("./exportOnnx.js")).exportToOnnx(weights, flags);
      refuseOnnxOnly(command);
      return (await import("./exportSafetensors.js")).exportToSafetensors(weights, flags);
    });
}

/** A safetensors file holds weights for any size, and what is done with photographs stands in it anyway. */
function refuseOnnxOnly(command: Command): void {
  for (const flag of ["size", "output", "preprocess"])
    if (command.getOptionValueSource(flag) === "cli")
      command.error(`error: option '--${flag}' is of --to onnx: a safetensors file has neither inputs nor outputs`);
  if (command.opts().dtype === "int8")
    command.error("error: --dtype int8 is of --to onnx: pspnet quantise makes safetensors in int8");
}
