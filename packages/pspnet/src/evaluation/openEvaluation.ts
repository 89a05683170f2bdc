import { checkClasses, inputChannels, type Network, type ProtocolChoice, protocolOf } from "@pspnet/core";
import { loadDataConfig } from "../config/load.js";
import { type Dataset, openDataset } from "../data/dataset.js";
import { datasetIdentity } from "../data/identity.js";
import { weightsFile } from "../pull/weightsFile.js";
import type { TextStream } from "../report/progress.js";
import { openEngine } from "../segment/engine.js";
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
}

interface OpenOptions {
  readonly signal?: AbortSignal;
  readonly stream: TextStream;
}

/** @throws PspnetError as `load` and `openDataset`; "weights" where the dataset has other classes. */
export async function openEvaluation(task: EvaluationTask, { signal, stream }: OpenOptions): Promise<OpenedEvaluation> {
  const { weights, network, choice } = task;
  const net = await load(weights, { ...network, signal, stream });
  try {
    const { description } = net;
    const dataset = await openSplit(task, inputChannels(description.config.input));
    checkClasses(description, dataset, weights);
    const protocol = protocolOf(choice, description);
    const sha256 = await fileDigest(await weightsFile(weights, { ...network, signal, stream }), { signal });
    const keys = {
      weights: { file: weights, sha256 },
      dataset: await datasetKeys(task, dataset),
      protocol,
      runtime: runtimeText(net, network),
      names: dataset.classes.names,
    };
    return { net, dataset, keys, [Symbol.asyncDispose]: () => net.dispose() };
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

async function datasetKeys(
  { data, split, format }: EvaluationTask,
  dataset: Dataset,
): Promise<EvaluationKeys["dataset"]> {
  const sha256 = await datasetIdentity(dataset);
  return { data, split, format: format ?? null, images: dataset.length, channels: dataset.source.channels, sha256 };
}

function runtimeText({ runtime }: Network, { precision, ...options }: RuntimeOptions): string {
  if (precision === "int8" || runtime === "onnx")
    return `${runtime} on cpu in ${precision === "auto" ? "fp32" : precision}`;
  const engine = openEngine({ ...options, precision });
  return `${runtime} on ${engine.device} in ${engine.precision}`;
}
