import { PRECISIONS, type Protocol, RUNTIMES } from "@pspnet/core";
import { type Command, Option } from "commander";
import type { RuntimeOptions } from "../segment/openRuntime.js";
import { integer, numbers, offline, positive, windowSide } from "./options.js";

/** The flags that `val` and `predict` share, as commander gives them. */
export interface ProtocolFlags extends RuntimeOptions {
  readonly scales: readonly number[];
  readonly flip?: true;
  readonly crop?: number;
  readonly baseSize?: number;
  readonly offline?: true;
  readonly json?: true;
}

export function withProtocol(command: Command): Command {
  return command
    .addOption(
      new Option("--scales <list>", "scales to average over, for example 0.5,0.75,1,1.25,1.5,1.75")
        .argParser(numbers)
        .default([1], "1"),
    )
    .option("--flip", "average with the mirrored image")
    .option("--crop <n>", "slide a window of this size (stride 2/3); otherwise the whole image at once", windowSide)
    .option(
      "--base-size <n>",
      "resize the long side to this before scaling (official: 512 ADE20K and VOC, 2048 Cityscapes)",
      positive,
    )
    .addOption(
      new Option("--runtime <name>", "what to run on: libtorch where it is built, else onnxruntime-node")
        .choices(["auto", ...RUNTIMES])
        .default("auto"),
    )
    .addOption(
      new Option("--precision <name>", "arithmetic of the network").choices(["auto", ...PRECISIONS]).default("auto"),
    )
    .addOption(new Option("--device <name>", "where to run").choices(["auto", "cpu", "cuda"]).default("auto"))
    .option("--threads <n>", "compute threads; 0: one per core", integer, 0)
    .addOption(offline())
    .option("--json", "one JSON document on standard output, progress on standard error");
}

export function protocolOf({ scales, flip, crop, baseSize }: ProtocolFlags): Protocol {
  return { scales, flip: flip ?? false, crop: crop ?? null, baseSize: baseSize ?? null };
}
