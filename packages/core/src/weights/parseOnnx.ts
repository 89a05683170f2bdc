import { onnxFormat } from "@pspnet/checkpoints";
import { PspnetError } from "../error.js";
import { isDescription, type ModelDescription, parseDescription } from "./modelFile.js";

/** Whether a file is an ONNX model, by its content. */
export function isOnnx(bytes: Uint8Array): boolean {
  return onnxFormat.recognises(bytes);
}

/**
 * What an ONNX model that `exportOnnx` wrote says about itself.
 *
 * @throws PspnetError "weights" for a model of another program, "format" or "config" for a damaged one.
 */
export function parseOnnx(
  bytes: Uint8Array,
  { source = "weights" }: { readonly source?: string } = {},
): ModelDescription {
  const { metadata } = onnxFormat.read(bytes, []);
  if (!isDescription(metadata)) {
    const mend = "take one that `pspnet export --to onnx` wrote";
    throw new PspnetError("weights", `${source}: expected an ONNX model that describes itself, found another; ${mend}`);
  }
  return parseDescription(metadata as Readonly<Record<string, string>>, { source });
}
