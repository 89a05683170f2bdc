import { checkClasses, inputChannels, type Network, type ProtocolChoice, protocolOf } from "@pspnet/core";
import { loadDataConfig } from "../config/load.js";
import { type Dataset, openDataset } from "../data/dataset.js";
import { datasetIdentity } from "../data/identity.js";
import { weightsFile } from "../pull/weightsFile.js";
import type { TextStream } from "../report/progress.js";
import { load } from "../segment/load.js";
import type { RuntimeOptions } from "../segment/openRuntime.js";
import type { EvaluationKeys } from "./evaluation.js";
import { fileDigest } from "./fileDigest.js";

/** What is evaluated on what, as plain data. */
export interface EvaluationTask {
  readonly weights: string;
  readonly data: string;
  readonly split: string;
  readonly format?: string;
  readonly network: RuntimeOptions & { readonly offline?: boolean };
  readonly choice: ProtocolChoice;
}

export interface OpenedEvaluation extends AsyncDisposable {
  readonly net: Network;
  readonly dataset: Dataset;
  readonly keys: EvaluationKeys;
  /** Reads the weights file and asks for the size of every file of the dataset, for those who must know that another has the same. */
  identify(signal: AbortSignal): Promise<Identities>;
}

/** SHA-256 of the weights file, and what `datasetIdentity` says of the dataset. */
export interface Identities {
  readonly weights: string;
  readonly dataset: string;
}

interface OpenOptions {
  readonly signal?: AbortSignal;
  readonly stream: TextStream;
}

/** @throws PspnetError as `load` and `openDataset`; "weights" where the dataset has other classes. */
export async function openEvaluation(task: EvaluationTask, { signal, stream }: OpenOptions): Promise<OpenedEvaluation> {
  const { weights, network, choice } = task;
  const net = await load(weights, { ...network, reproducible: true, signal, stream });
  try {
    const { description } = net;
    const dataset = await openSplit(task, inputChannels(description.config.input));
    checkClasses(description, dataset, weights);
    const protocol = protocolOf(choice, description);
    const keys = {
      weights: { file: weights },
      dataset: datasetKeys(task, dataset),
      protocol,
      runtime: `${net.runtime} on ${net.arithmetic}`,
      names: dataset.classes.names,
    };
    const identify = async (signal: AbortSignal) => ({
      weights: await fileDigest(await weightsFile(weights, { ...network, signal, stream }), { signal }),
      dataset: await datasetIdentity(dataset),
    });
    return { net, dataset, keys, identify, [Symbol.asyncDispose]: () => net.dispose() };
  } catch (error) {
    await net.dispose();
    throw error;
  }
}

/** The dataset that an evaluation is of. */
export async function openSplit(
  { data, split, format }: Pick<EvaluationTask, "data" | "split" | "format">,
  channels: number,
): Promise<Dataset> {
  return openDataset((await loadDataConfig(data, { format })).data, split, { channels });
}

function datasetKeys({ data, split, format }: EvaluationTask, dataset: Dataset): EvaluationKeys["dataset"] {
  return { data, split, format: format ?? null, images: dataset.length, channels: dataset.source.channels };
}
