import { basename, dirname, extname, join } from "node:path";
import {
  exportOnnx,
  networkGraph,
  ONNX_OUTPUTS,
  type OnnxFile,
  type OnnxOptions,
  type OnnxValue,
  optimise,
} from "@pspnet/core";
import { formatDim } from "@pspnet/core/graph";
import { Command, Option } from "commander";
import { atomicWrite } from "../files/atomicWrite.js";
import { refuseOverInput } from "../files/outputFile.js";
import { readWeights } from "../segment/readWeights.js";
import { anySize, examples, offline, place, someOf } from "./options.js";
import { messages, print, printJson } from "./terminal.js";

interface ExportFlags extends Omit<OnnxOptions, "externalData"> {
  readonly out?: string;
  readonly offline?: true;
  readonly json?: true;
}

export function exportCommand(): Command {
  return new Command("export")
    .description("write a network as a file for other runtimes; needs no libtorch")
    .argument("<weights>", "safetensors made by pspnet, or a name that pspnet models --pull lists")
    .addOption(new Option("--to <format>", "format of the file").choices(["onnx"]).default("onnx"))
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
    .addOption(new Option("--dtype <name>", "weights and arithmetic").choices(["fp32", "fp16"]).default("fp32"))
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
      ),
    )
    .action(exportModel);
}

async function exportModel(weights: string, { out, json, offline, ...options }: ExportFlags): Promise<void> {
  const path = out ?? join(dirname(weights), `${basename(weights, extname(weights))}.onnx`);
  await refuseOverInput(path, [weights]);
  const { description, state } = await readWeights(weights, { offline, stream: messages });
  const graph = optimise(networkGraph(description.config, state));
  const externalData = { location: `${basename(path)}.data` };
  const file = exportOnnx(graph, description, { ...options, externalData });
  const files = await write(path, file);
  if (json) {
    printJson({ weights, files, inputs: file.inputs.map(described), outputs: file.outputs.map(described) });
    return;
  }
  for (const { path, bytes } of files) print(`${path}: ${(bytes / 1e6).toFixed(1)} MB`);
  for (const value of file.inputs) print(`input ${line(value)}`);
  for (const value of file.outputs) print(`output ${line(value)}`);
}

interface Written {
  readonly path: string;
  readonly bytes: number;
}

/** The weights first, so that a model never stands there without them. */
async function write(path: string, { model, externalData }: OnnxFile): Promise<Written[]> {
  const written: Written[] = [];
  const save = async (path: string, pieces: readonly Uint8Array[]) => {
    await atomicWrite(path, pieces);
    written.unshift({ path, bytes: pieces.reduce((sum, { byteLength }) => sum + byteLength, 0) });
  };
  if (externalData) await save(join(dirname(path), externalData.location), externalData.pieces);
  await save(path, [model]);
  return written;
}

function described({ name, dtype, shape }: OnnxValue) {
  return { name, dtype, shape: shape.map((dim) => (typeof dim === "number" ? dim : formatDim(dim))) };
}

function line({ name, dtype, shape }: OnnxValue): string {
  return `${name}: ${dtype} [${shape.map(formatDim).join(", ")}]`;
}
