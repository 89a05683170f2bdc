import { stat } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { describeWeights, safetensorsPieces, storedAs } from "@pspnet/core";
import { atomicWrite } from "../files/atomicWrite.js";
import { refuseOverInput } from "../files/outputFile.js";
import { counted } from "../report/counted.js";
import { readWeights } from "../segment/readWeights.js";
import type { ExportFlags } from "./export.js";
import { messages, print, printJson } from "./terminal.js";

/** Writes weights once more, as elements of another type, with all that their file says of itself. */
export async function exportToSafetensors(weights: string, flags: ExportFlags): Promise<void> {
  const { dtype, offline, json } = flags;
  const path = flags.out ?? join(dirname(weights), `${basename(weights, extname(weights))}.${dtype}.safetensors`);
  await refuseOverInput(path, [weights]);
  const { description, state } = await readWeights(weights, { offline, stream: messages });
  const tensors = storedAs(state, dtype === "fp16" ? "float16" : "float32");
  await atomicWrite(path, safetensorsPieces(tensors, describeWeights(description)));
  const bytes = (await stat(path)).size;
  if (json) printJson({ weights, files: [{ path, bytes }], dtype });
  else print(`${path}: ${counted(tensors.size, "tensor")} of ${dtype}, ${(bytes / 1e6).toFixed(1)} MB`);
}
