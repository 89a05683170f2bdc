import { Command, InvalidArgumentError, Option } from "commander";

/**
 * The command line. Every action imports its command only when it runs, so that help never loads libtorch.
 * Commander answers an unknown flag or command with the nearest one.
 */
export function program(): Command {
  const root = new Command("pspnet")
    .description("Pyramid scene parsing: train, score and run PSPNet (arXiv 1612.01105)")
    .version("0.1.0")
    .showHelpAfterError("(add --help for the flags and examples)")
    .exitOverride();
  for (const command of [train(), val(), predict(), exportModel(), data(), models(), bench(), check()])
    root.addCommand(command);
  for (const command of allCommands(root)) {
    command.exitOverride().showHelpAfterError("(add --help for the flags and examples)").allowExcessArguments(false);
  }
  return root;
}

function train(): Command {
  return new Command("train")
    .description("train into runs/<name>; any key of the configuration can be given as key=value")
    .argument("[config]", "YAML file")
    .argument("[key=value...]", "overrides, for example lr=0.02 model.layers=18 resume=true")
    .option("--keys", "list every key with its default and meaning")
    .addHelpText(
      "after",
      examples(
        "pspnet train camvid.yaml",
        "pspnet train camvid.yaml epochs=8 crop=321 batch=8",
        "pspnet train camvid.yaml resume=true",
        "pspnet train --keys",
      ),
    )
    .action(async (config: string | undefined, overrides: string[], options: { keys?: true }) => {
      const command = await import("./train.js");
      await (options.keys ? command.printKeys() : command.train(config, overrides));
    });
}

function val(): Command {
  return protocol(new Command("val"))
    .description("score weights on a labelled dataset: pixel accuracy, mean accuracy, mIoU, per-class table")
    .argument("<weights>", "safetensors made by pspnet")
    .requiredOption("--data <folder>", "dataset: a folder, or the YAML file of a training run")
    .option("--split <name>", "split of the dataset", "val")
    .option("--format <name>", "auto, folders, camvid or list", "auto")
    .option("--out <folder>", "write the predictions, the confusion matrix and a report there")
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

function predict(): Command {
  return protocol(new Command("predict"))
    .description("segment photographs: index PNG, colour PNG, overlay and JSON of class areas for each")
    .argument("<weights>", "safetensors made by pspnet")
    .argument("<inputs...>", "files, folders or globs")
    .option("--out <folder>", "where the results go", "predictions")
    .option("--logits <file.npy>", "also write the full-resolution float32 logits [classes, h, w]; one image only")
    .addHelpText(
      "after",
      examples(
        "pspnet predict best.safetensors photo.jpg",
        "pspnet predict best.safetensors photos/ --out out",
        "pspnet predict best.safetensors 'photos/**/*.jpg' --flip --json",
      ),
    )
    .action(async (weights: string, inputs: string[], options) =>
      (await import("./predict.js")).predict(weights, inputs, options),
    );
}

function exportModel(): Command {
  return new Command("export")
    .description("write a network as a file for other runtimes; needs no libtorch")
    .argument("<weights>", "safetensors made by pspnet")
    .addOption(new Option("--to <format>", "format of the file").choices(["onnx"]).default("onnx"))
    .option("--out <file>", "where it goes; left out, beside the weights")
    .option("--size <any, n or HxW>", "size of the images", anySize, "any")
    .addOption(
      new Option("--output <name>", "logits at 1/8 of the resolution or the image's, their softmax or argmax")
        .choices(["logits8", "logits", "probabilities", "labels"])
        .default("logits"),
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

function data(): Command {
  const command = new Command("data").description("look a dataset over before a run; make the example scenes");
  command
    .command("check")
    .description("ids, sizes, missing and broken files, empty classes, and a contact sheet of overlays")
    .argument("<folder>", "dataset: a folder, or the YAML file of a training run")
    .option("--split <name>", "only this split")
    .option("--format <name>", "auto, folders, camvid or list", "auto")
    .option("--classes <names>", "preset, file of names, or names separated by commas")
    .option("--sheet <file.png>", "where the contact sheet goes", "contact-sheet.png")
    .option("--json", "one JSON document on standard output")
    .addHelpText(
      "after",
      examples("pspnet data check data/camvid", "pspnet data check mydata --classes background,cat,dog"),
    )
    .action(async (folder: string, options) => (await import("./data.js")).check(folder, options));
  command
    .command("make")
    .description("make a synthetic dataset with exact labels")
    .addArgument(command.createArgument("<what>", "what to make").choices(["scenes"]))
    .argument("<folder>", "where it goes")
    .option("--train <n>", "training images", integer, 800)
    .option("--val <n>", "validation images", integer, 100)
    .option("--size <n or WxH>", "size of the images", "160")
    .option("--seed <n>", "seed", integer, 0)
    .addHelpText(
      "after",
      examples("pspnet data make scenes scenes", "pspnet data make scenes big --size 640x480 --train 5000 --val 500"),
    )
    .action(async (_what: string, folder: string, options) => (await import("./data.js")).makeScenes(folder, options));
  return command;
}

function models(): Command {
  return new Command("models")
    .description("the standard networks with parameters and GMAC, direct and factorised")
    .option("--classes <n>", "only with this number of classes", integer)
    .addOption(new Option("--size <n or HxW>", "size of the image for GMAC").argParser(size).default([473, 473], "473"))
    .option("--json", "one JSON document on standard output")
    .addHelpText("after", examples("pspnet models", "pspnet models --classes 19 --size 713 --json"))
    .action(async (options) => (await import("./models.js")).models(options));
}

function bench(): Command {
  return new Command("bench")
    .description(
      "time from photograph to labels, runtimes, precisions and sizes by turns, each in a process of its own",
    )
    .argument("[weights]", "safetensors made by pspnet; otherwise a network of random weights")
    .option("--layers <n>", "depth of the random network", integer, 50)
    .option("--classes <n>", "classes of the random network", integer, 150)
    .option("--width <n>", "channels of the random network's first stage", integer, 64)
    .addOption(
      new Option("--size <list>", "sizes of the photograph, for example 473,713x505 (height x width)")
        .argParser(sizes)
        .default([[473, 473]], "473"),
    )
    .option("--runtime <list>", "torch, onnx or both; otherwise all that this machine has", runtimes)
    .option("--precision <list>", "fp32, bf16 or both; otherwise bf16 only where the machine is fast at it", precisions)
    .option("--rounds <n>", "images for each case, one a round", integer, 10)
    .option("--threads <n>", "compute threads; 0: one per core", integer, 0)
    .option("--json", "one JSON document on standard output, progress on standard error")
    .addHelpText(
      "after",
      examples(
        "pspnet bench",
        "pspnet bench best.safetensors --size 473,713,1024x2048 --rounds 20",
        "pspnet bench --layers 101 --classes 19 --runtime torch --precision fp32,bf16 --json",
      ),
    )
    .action(async (weights: string | undefined, options) => (await import("./bench.js")).bench(weights, options));
}

function check(): Command {
  return new Command("check")
    .description("what this machine has: processor, libtorch, what is missing and the command that mends it")
    .option("--json", "one JSON document on standard output")
    .action(async (options) => (await import("./check.js")).check(options));
}

/** The flags of the evaluation protocol, one set for `val` and `predict`. */
function protocol(command: Command): Command {
  return command
    .option("--scales <list>", "scales to average over, for example 0.5,0.75,1,1.25,1.5,1.75", numbers, [1])
    .option("--flip", "average with the mirrored image")
    .option("--crop <n>", "slide a window of this size (stride 2/3); otherwise the whole image at once", integer)
    .option(
      "--base-size <n>",
      "resize the long side to this before scaling (official: 512 ADE20K and VOC, 2048 Cityscapes)",
      integer,
    )
    .addOption(
      new Option("--runtime <name>", "what to run on: libtorch where it is built, else onnxruntime-node")
        .choices(["auto", "torch", "onnx"])
        .default("auto"),
    )
    .addOption(
      new Option("--precision <name>", "arithmetic of the network").choices(["auto", "fp32", "bf16"]).default("auto"),
    )
    .addOption(new Option("--device <name>", "where to run").choices(["auto", "cpu", "cuda"]).default("auto"))
    .option("--json", "one JSON document on standard output, progress on standard error");
}

function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join("\n")}\n`;
}

function integer(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError("expected a whole number.");
  return value;
}

function numbers(text: string): number[] {
  const values = text.split(",").map(Number);
  if (values.some((value) => !(value > 0)))
    throw new InvalidArgumentError("expected positive numbers separated by commas.");
  return values;
}

type ImageSize = readonly [height: number, width: number];

function size(text: string): ImageSize {
  const match = /^(\d+)(?:x(\d+))?$/.exec(text);
  if (!match || Number(match[1]) === 0 || Number(match[2]) === 0)
    throw new InvalidArgumentError("expected a number or HEIGHTxWIDTH, above 0.");
  return [Number(match[1]), Number(match[2] ?? match[1])];
}

function anySize(text: string): ImageSize | "any" {
  if (text === "any") return text;
  try {
    return size(text);
  } catch {
    throw new InvalidArgumentError("expected any, a number or HEIGHTxWIDTH, above 0.");
  }
}

const sizes = (text: string): ImageSize[] => text.split(",").map(size);
const runtimes = (text: string) => oneOf(text, ["torch", "onnx"]);
const precisions = (text: string) => oneOf(text, ["fp32", "bf16"]);

function oneOf<T extends string>(text: string, choices: readonly T[]): T[] {
  return text.split(",").map((part) => {
    const found = choices.find((choice) => choice === part);
    if (found === undefined) throw new InvalidArgumentError(`expected some of ${choices.join(",")}.`);
    return found;
  });
}

function* allCommands(command: Command): Generator<Command> {
  for (const child of command.commands) {
    yield child;
    yield* allCommands(child);
  }
}
