import { DEPTHS, PREDICTION_PRECISIONS, RUNTIMES } from "@pspnet/core";
import { Command, Option } from "commander";
import { classCount, examples, integer, oneOf, positive, sizes, someOf } from "./options.js";

export function benchCommand(): Command {
  return new Command("bench")
    .description(
      "time from photograph to labels, runtimes, precisions and sizes by turns, each in a process of its own",
    )
    .argument(
      "[weights]",
      "safetensors made by pspnet, or a name that pspnet models --pull lists; otherwise a network of random weights",
    )
    .option("--layers <n>", "depth of the random network", oneOf(DEPTHS), 50)
    .option("--classes <n>", "classes of the random network", classCount, 150)
    .option("--width <n>", "channels of the random network's first stage", positive, 64)
    .addOption(
      new Option("--size <list>", "sizes of the photograph, for example 473,713x505 (height x width)")
        .argParser(sizes)
        .default([{ height: 473, width: 473 }], "473"),
    )
    .option("--runtime <list>", `${RUNTIMES.join(", ")} or both; otherwise all that this machine has`, someOf(RUNTIMES))
    .option(
      "--precision <list>",
      `some of ${PREDICTION_PRECISIONS.join(", ")} (that of quantised weights); otherwise bf16 only where the machine is fast at it`,
      someOf(PREDICTION_PRECISIONS),
    )
    .option("--rounds <n>", "images for each case, one a round", positive, 10)
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
