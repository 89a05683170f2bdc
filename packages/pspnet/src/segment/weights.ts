import { readFile } from "node:fs/promises";
import {
  type Backend,
  type ClassList,
  loadStateDict,
  type ModelDescription,
  PSPNet,
  PspnetError,
  parseDescription,
  readSafetensors,
} from "@pspnet/core";

export interface LoadedModel {
  readonly model: PSPNet;
  readonly description: ModelDescription;
}

/**
 * A network with the weights of a file that describes itself.
 *
 * @throws PspnetError "usage" for a file that cannot be read, "format" or "weights" for one that does not hold a PSPNet.
 */
export async function loadModel(file: string, backend: Backend): Promise<LoadedModel> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    throw new PspnetError("usage", `${file}: expected a readable weights file (${(cause as Error).message})`, {
      cause,
    });
  }
  try {
    const { metadata, tensors } = readSafetensors(bytes);
    const description = parseDescription(metadata, { source: file });
    const model = new PSPNet(description.config);
    loadStateDict(model, tensors, { backend });
    return { model, description };
  } catch (cause) {
    if (!(cause instanceof PspnetError) || cause.message.startsWith(file)) throw cause;
    throw new PspnetError(cause.code, `${file}: ${cause.message}`, { cause });
  }
}

/**
 * Refuses to score weights on labels that mean something else.
 *
 * @throws PspnetError "weights" when the class names differ in number or order.
 */
export function checkClasses(
  { classes }: ModelDescription,
  dataset: { readonly classes: ClassList },
  file: string,
): void {
  const expected = dataset.classes.names;
  const found = classes.names;
  const at = expected.findIndex((name, id) => name.toLowerCase() !== found[id]?.toLowerCase());
  if (expected.length === found.length && at < 0) return;
  const difference =
    expected.length === found.length
      ? `class ${at} is "${expected[at]}" there and "${found[at]}" here`
      : `${expected.length} classes there, ${found.length} here`;
  throw new PspnetError(
    "weights",
    `${file}: its classes are not those of the dataset: ${difference}; give the dataset that it was trained on`,
  );
}
