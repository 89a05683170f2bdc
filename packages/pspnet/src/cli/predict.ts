import { join } from "node:path";
import { type ClassArea, inputChannels, type Network, PspnetError, type Segmentation } from "@pspnet/core";
import { mapAhead } from "@pspnet/core/segment";
import { readImage } from "../data/images.js";
import { atomicWrite } from "../files/atomicWrite.js";
import { type FoundImage, findImages } from "../files/findImages.js";
import { encodeNpy } from "../files/npy.js";
import { encodeMask, encodePng } from "../files/png.js";
import { RECORD, RESULT } from "../files/results.js";
import { checkSubmission, type SubmissionName, submissionOf } from "../files/submissions.js";
import { counted } from "../report/counted.js";
import { Progress } from "../report/progress.js";
import { load } from "../segment/load.js";
import { type ProtocolFlags, protocolChoice } from "./protocolFlags.js";
import { fromHere, interruptible, messages, print, printJson } from "./terminal.js";

interface PredictFlags extends ProtocolFlags {
  readonly out: string;
  readonly logits?: string;
  readonly submit?: SubmissionName;
}

/** What one image gave, or why it gave nothing. */
type Outcome =
  | { readonly image: string; readonly areas: readonly ClassArea[]; readonly files: readonly string[] }
  | { readonly image: string; readonly error: string };

export async function predict(weights: string, inputs: readonly string[], flags: PredictFlags): Promise<void> {
  const { images, results } = await findImages(inputs);
  if (flags.logits && images.length !== 1) {
    throw new PspnetError("usage", `predict: --logits expects one image, found ${images.length}; give one file`);
  }
  await using net = await load(weights, { ...flags, ...protocolChoice(flags), stream: messages });
  if (flags.submit) checkSubmission(flags.submit, images, net.classes);
  if (results > 0) messages.write(`left out ${counted(results, "picture")} that predict wrote\n`);
  const progress = new Progress(messages, { label: "predict", total: images.length });
  const outcomes: Outcome[] = [];
  await interruptible(async (signal) => {
    // While one image is segmented, the next is read and the one before is written.
    const work = (found: FoundImage) => attempt(found.file, () => segmentFile(net, found, flags));
    for await (const outcome of mapAhead(until(signal, images), work, { ahead: 1 })) {
      outcomes.push(outcome);
      if ("error" in outcome) progress.log(outcome.error);
      progress.update(outcomes.length);
    }
  });
  progress.finish();
  if (outcomes.length < images.length) {
    throw new PspnetError(
      "interrupted",
      `stopped after ${outcomes.length} of ${counted(images.length, "image")}; those are written`,
    );
  }
  report(outcomes, flags);
}

/** The items until the signal. */
function* until<T>(signal: AbortSignal, items: readonly T[]): Generator<T> {
  for (const item of items) {
    if (signal.aborted) return;
    yield item;
  }
}

async function segmentFile(net: Network, { file, name }: FoundImage, flags: PredictFlags): Promise<Outcome> {
  // A server's labels lie on the pixels as they are stored.
  const channels = inputChannels(net.description.config.input);
  const image = await readImage(file, { orient: flags.submit === undefined, channels });
  if (flags.logits) {
    const shape = [net.classes.names.length, image.height, image.width];
    await atomicWrite(flags.logits, encodeNpy(await net.logits(image), shape));
  }
  const segmentation = await net.segment(image);
  const files = flags.submit
    ? await writeSubmission(flags.submit, file, { out: flags.out, segmentation })
    : await writeResults(join(flags.out, name), file, segmentation);
  return { image: file, areas: segmentation.areas, files };
}

/** A broken photograph stops nothing that can go on. */
async function attempt(file: string, work: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof PspnetError && error.code === "data") return { image: file, error: error.message };
    throw error;
  }
}

function report(outcomes: readonly Outcome[], flags: PredictFlags): void {
  const failed = outcomes.filter((outcome) => "error" in outcome).length;
  if (flags.json) printJson(outcomes);
  else {
    for (const outcome of outcomes) {
      if ("error" in outcome) continue;
      const largest = outcome.areas.slice(0, 4).map(({ name, share }) => `${name} ${(100 * share).toFixed(1)} %`);
      print(`${outcome.image}: ${largest.join(", ")}`);
    }
    const done = outcomes.length - failed;
    print(`${counted(done, "image")} segmented into ${flags.out}${failed > 0 ? `, ${failed} failed` : ""}`);
  }
  if (failed > 0) process.exitCode = 1;
}

async function writeSubmission(
  server: SubmissionName,
  image: string,
  { out, segmentation }: { readonly out: string; readonly segmentation: Segmentation },
): Promise<string[]> {
  const { path, content } = submissionOf(server, image, segmentation.labels);
  await atomicWrite(join(out, path), content);
  return [fromHere(join(out, path))];
}

/** The record first: by it the pictures are known for results, those too of a process that was killed. */
async function writeResults(
  stem: string,
  image: string,
  { labels, areas, colour, overlay, classes }: Segmentation,
): Promise<string[]> {
  const { width, height } = labels;
  const files: Record<string, Uint8Array | string> = {
    [stem + RECORD]: `${JSON.stringify({ image, width, height, areas }, null, 2)}\n`,
    [stem + RESULT.labels]: encodeMask(labels, classes.palette),
    [stem + RESULT.colour]: await encodePng(colour),
    [stem + RESULT.overlay]: await encodePng(overlay),
  };
  for (const [file, content] of Object.entries(files)) await atomicWrite(file, content);
  return Object.keys(files).map(fromHere);
}
