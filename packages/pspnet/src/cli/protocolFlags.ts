import {
  type BaseSize,
  type Crop,
  PREDICTION_PRECISIONS,
  PROTOCOLS,
  type ProtocolChoice,
  type ProtocolName,
  RUNTIMES,
} from "@pspnet/core";
import { type Command, Option } from "commander";
import type { RuntimeOptions } from "../segment/openRuntime.js";
import type { ServedNetworkOptions } from "../server/options.js";
import { baseSize, integer, numbers, offline, window } from "./options.js";

/** What a network runs on and how it looks at images, as commander gives it. */
export interface NetworkFlags extends RuntimeOptions {
  readonly device: "auto" | "cpu" | "cuda";
  readonly protocol?: ProtocolName;
  readonly scales?: readonly number[];
  readonly flip?: boolean;
  readonly crop?: Crop | null;
  readonly baseSize?: BaseSize | null;
  readonly offline?: true;
}

/** The flags that `val` and `predict` share. */
export interface ProtocolFlags extends NetworkFlags {
  readonly json?: true;
}

export function withProtocol(command: Command): Command {
  return withNetwork(command).option("--json", "one JSON document on standard output, progress on standard error");
}

export function withNetwork(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--protocol <name>",
        "look at images as others evaluate; the flags below say otherwise (without it: the whole image once)",
      ).choices(Object.keys(PROTOCOLS)),
    )
    .option(
      "--scales <list>",
      "scales to average over, for example 0.5,0.75,1,1.25,1.5,1.75 (default: 1, or the protocol's)",
      numbers,
    )
    .option("--flip", "average with the mirrored image")
    .option("--no-flip", "do not")
    .option("--crop <n or HxW>", "slide a window of this size (stride 2/3); none: the whole image at once", window)
    .option(
      "--base-size <n>",
      "resize the long side to this before scaling (official: 512 ADE20K and VOC, 2048 Cityscapes), or into LONGxSHORT; none: keep its size",
      baseSize,
    )
    .addOption(
      new Option("--runtime <name>", "what to run on: libtorch where it is built, else onnxruntime-node")
        .choices(["auto", ...RUNTIMES])
        .default("auto"),
    )
    .addOption(
      new Option("--precision <name>", "arithmetic of the network; int8 with weights of pspnet quantise")
        .choices(["auto", ...PREDICTION_PRECISIONS])
        .default("auto"),
    )
    .addOption(new Option("--device <name>", "where to run").choices(["auto", "cpu", "cuda"]).default("auto"))
    .option("--threads <n>", "compute threads; 0: one per core", integer, 0)
    .addOption(offline());
}

/** What the flags say of how images are looked at. */
export function protocolChoice({ protocol, scales, flip, crop, baseSize }: NetworkFlags): ProtocolChoice {
  return { protocol, scales, flip, crop, baseSize };
}

/** All that the flags say of a network. */
export function networkChoice(flags: NetworkFlags): ServedNetworkOptions {
  const { runtime, device, precision, threads, offline } = flags;
  return { ...protocolChoice(flags), runtime, device, precision, threads, offline };
}
