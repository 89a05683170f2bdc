import { basename, dirname, extname, join } from "node:path";
import {
  type Calibration,
  checkClasses,
  describeWeights,
  type Image,
  inputChannels,
  type ModelDescription,
  PspnetError,
  partOf,
  protocolOf,
  quantisedWeights,
  type RecordedQuantisation,
  type State,
  type WritableTensor,
  writeSafetensors,
} from "@pspnet/core";
import { loadDataConfig } from "../config/load.js";
import { type Dataset, openDataset } from "../data/dataset.js";
import { readImage } from "../data/images.js";
import { spread } from "../data/spread.js";
import { atomicWrite } from "../files/atomicWrite.js";
import { findImages } from "../files/findImages.js";
import { refuseOverInput } from "../files/outputFile.js";
import { Calibrator } from "../quantise/calibrate.js";
import { type Comparison, compareLabels, compareScores, type Pair } from "../quantise/compare.js";
import { cutOut } from "../quantise/cutOut.js";
import { counted } from "../report/counted.js";
import { StagedProgress } from "../report/stagedProgress.js";
import { load } from "../segment/load.js";
import { readWeights, type WeightsFile } from "../segment/readWeights.js";
import { interruptible, messages, print, printJson } from "./terminal.js";

interface QuantiseFlags {
  readonly images: string;
  readonly out?: string;
  readonly data?: string;
  readonly split: string;
  readonly format?: string;
  readonly count: number;
  readonly calibration: Calibration["kind"];
  readonly percentile: number;
  readonly threads: number;
  readonly offline?: true;
  readonly json?: true;
}

export async function quantiseWeights(weights: string, flags: QuantiseFlags): Promise<void> {
  const { threads, json } = flags;
  const out = flags.out ?? join(dirname(weights), `${basename(weights, extname(weights))}.int8.safetensors`);
  await refuseOverInput(out, [weights]);
  const files = spread((await findImages([flags.images])).images, flags.count).map(({ file }) => file);
  const file = await readWeights(weights, { offline: flags.offline, stream: messages });
  if (file.description.quantisation) refuseQuantised(weights);
  const dataset = flags.data === undefined ? null : await openLabelled(file, flags.data, flags);
  await interruptible(async (signal) => {
    const progress = new StagedProgress(messages);
    const images = await decoded(files, file.description);
    const { tensors, description, convolutions } = await quantised(file, images, { flags, signal, progress });
    const told = (outcome: string) => withOutcome(description, outcome);
    const made = writeSafetensors(tensors, describeWeights(told("not measured")));
    await using fp32 = await load(weights, { precision: "fp32", runtime: "torch", threads, offline: flags.offline });
    await using int8 = await load(made, { precision: "int8", runtime: "torch", threads });
    const onImage = (done: number, total: number) => progress.update("compare with float32", done, total);
    const found = await compared({ fp32, int8 }, { dataset, name: flags.data, images }, { signal, onImage });
    progress.finish();
    signal.throwIfAborted();
    const bytes = writeSafetensors(tensors, describeWeights(told(found.outcome)));
    await atomicWrite(out, bytes);
    const { calibration } = description.quantisation;
    const { meanIoU, agreement } = found;
    if (json) printJson({ weights, out, bytes: bytes.length, calibration, ...convolutions, meanIoU, agreement });
    else {
      print(`${convolutions.int8} of ${counted(convolutions.all, "convolution")} in int8, ranges by ${calibration}`);
      print(found.outcome);
      print(`${out}: ${(bytes.length / 1e6).toFixed(1)} MB; run it with --precision int8`);
    }
  });
}

function refuseQuantised(weights: string): never {
  const mend = "take those that it was made of";
  throw new PspnetError("usage", `${weights}: expected weights in float32, found ones that were quantised; ${mend}`);
}

async function openLabelled(
  { description, source }: WeightsFile,
  data: string,
  { split, format }: QuantiseFlags,
): Promise<Dataset> {
  const told = await loadDataConfig(data, { format });
  const dataset = await openDataset(told.data, split, { channels: inputChannels(description.config.input) });
  checkClasses(description, dataset, source);
  return dataset;
}

/** Parts of the photographs that can be read. */
async function decoded(files: readonly string[], description: ModelDescription): Promise<Image[]> {
  const channels = inputChannels(description.config.input);
  const images: Image[] = [];
  for (const [i, file] of files.entries()) {
    try {
      images.push(cutOut(await readImage(file, { orient: true, channels }), description, i));
    } catch (error) {
      if (!(error instanceof PspnetError) || error.code !== "data") throw error;
      messages.write(`${error.message}\n`);
    }
  }
  if (images.length > 0) return images;
  throw new PspnetError("data", "quantise: expected photographs to calibrate on, found none that can be decoded");
}

interface Work {
  readonly flags: QuantiseFlags;
  readonly signal: AbortSignal;
  readonly progress: StagedProgress;
}

interface Quantised {
  readonly tensors: ReadonlyMap<string, WritableTensor>;
  readonly description: ModelDescription & { readonly quantisation: RecordedQuantisation };
  readonly convolutions: { readonly int8: number; readonly all: number };
}

async function quantised(
  file: WeightsFile,
  images: readonly Image[],
  { flags, signal, progress }: Work,
): Promise<Quantised> {
  using calibrator = new Calibrator(file);
  for (const [i, image] of images.entries()) {
    signal.throwIfAborted();
    await calibrator.look(image);
    progress.update("calibrate", i + 1, images.length);
  }
  const { calibration: kind, percentile: percent } = flags;
  const ranges = calibrator.ranges(kind === "entropy" ? { kind } : { kind, percent });
  const { weights, convolutions } = calibrator.quantised(ranges);
  const how = kind === "entropy" ? kind : `percentile ${percent}`;
  const calibration = `${how} of ${counted(images.length, "image")}`;
  const { description, state } = file;
  // Nobody trains on with whole numbers: what only training needs stays behind.
  const kept: State = new Map([...state].filter(([name]) => partOf(name) !== "auxiliary"));
  return {
    tensors: quantisedWeights(kept, weights),
    description: {
      ...description,
      config: { ...description.config, auxiliary: { kind: "none" } },
      quantisation: { ranges, calibration, outcome: "" },
    },
    convolutions: { int8: weights.size, all: convolutions },
  };
}

function withOutcome(description: Quantised["description"], outcome: string): ModelDescription {
  return { ...description, quantisation: { ...description.quantisation, outcome } };
}

async function compared(
  nets: Pair,
  {
    dataset,
    name,
    images,
  }: { readonly dataset: Dataset | null; readonly name?: string; readonly images: readonly Image[] },
  options: Parameters<typeof compareLabels>[2],
): Promise<Comparison> {
  if (dataset === null) return compareLabels(nets, images, options);
  const protocol = protocolOf({}, nets.fp32.description);
  return compareScores(nets, { dataset, name: name!, protocol }, options);
}
