import { type Backend, loadStateDict, type ModelDescription, PSPNet } from "@pspnet/core";
import { readWeights } from "./readWeights.js";

export interface LoadedModel {
  readonly model: PSPNet;
  readonly description: ModelDescription;
}

/** A network with the weights of a file: as {@link readWeights}, on `backend`. */
export async function loadModel(file: string, backend: Backend): Promise<LoadedModel> {
  const { description, state } = await readWeights(file);
  const model = new PSPNet(description.config);
  loadStateDict(model, state, { backend });
  return { model, description };
}
