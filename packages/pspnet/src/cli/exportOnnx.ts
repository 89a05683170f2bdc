import { basename, dirname, extname, join } from "node:path";
import { exportOnnx, networkGraph, type OnnxFile, type OnnxValue, optimise, quantised } from "@pspnet/core";
import { formatDim } from "@pspnet/core/graph";
import { atomicWrite } from "../files/atomicWrite.js";
import { refuseOverInput } from "../files/outputFile.js";
import { readWeights } from "../segment/readWeights.js";
import type { ExportFlags } from "./export.js";
import { messages, print, printJson } from "./terminal.js";

export async function exportToOnnx(weights: string, flags: ExportFlags): Promise<void> {
  const { out, json, offline, dtype, ...options } = flags;
  const path = out ?? join(dirname(weights), `${basename(weights, extname(weights))}.onnx`);
  await refuseOverInput(path, [weights]);
  const { description, state } = await readWeights(weights, { offline, stream: messages });
  const real = optimise(networkGraph(description.config, state));
  const [graph, type] = dtype === "int8" ? [quantised(real, description, weights), "fp32" as const] : [real, dtype];
  const externalData = { location: `${basename(path)}.data` };
  const file = exportOnnx(graph, description, { ...options, dtype: type, externalData });
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
