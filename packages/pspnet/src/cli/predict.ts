import { join } from "node:path";
import { type ClassArea, inputChannels, type Network, PspnetError, type Segmentation } from "@pspnet/core";
import { mapAhead } from "@pspnet/core/segment";
import { readImage } from "../data/images.js";
import { atomicWrite } from "../files/atomicWrite.js";
import { type FoundImage, type FoundImages, findImages } from "../files/findImages.js";
import { encodeNpy } from "../files/npy.js";
import { encodeMask, encodePng } from "../files/png.js";
import { RECORD, RESULT } from "../files/results.js";
import { checkSubmission, type SubmissionName, submissionOf } from "../files/submissions.js";
import { counted } from "../report/counted.js";
import { Progress } from "../report/progress.js";
import { load } from "../segment/load.js";
import { type FilmFlags, type FilmOutcome, predictFilms } from "./predictFilms.js";
import { type ProtocolFlags, protocolChoice } from "./protocolFlags.js";
import { fromHere, interruptible, messages, print, printJson } from "./terminal.js";

interface PredictFlags extends ProtocolFlags, FilmFlags {
  readonly logits?: string;
  readonly submit?: SubmissionName;
}

/** What one image gave, or why it gave nothing. */
type ImageOutcome =
  | { readonly image: string; readonly areas: readonly ClassArea[]; readonly files: readonly string[] }
  | { readonly image: string; readonly error: string };

export async function predict(weights: string, inputs: readonly string[], flags: PredictFlags): Promise<void> {
  const found = await findImages(inputs);
  checkFlags(flags, found);
  const { images, films, results } = found;
  await using net = await load(weights, { ...flags, ...protocolChoice(flags), stream: messages });
  if (flags.submit) checkSubmission(flags.submit, images, net.classes);
  if (results > 0) messages.write(`left out ${counted(results, "picture")} that predict wrote\n`);
  const outcomes = await interruptible(async (signal) => [
    ...(await predictImages(net, images, { flags, signal })),
    ...(await predictFilms(net, films, { flags, signal })),
  ]);
  report(outcomes, flags);
}

function checkFlags({ logits, submit, every, smooth }: PredictFlags, { images, films }: FoundImages): void {
  const ofImages = logits ? "--logits" : submit && "--submit";
  if (ofImages && films.length > 0) {
    const found = `found ${films[0].file}; leave out the flag, or the films`;
    throw new PspnetError("usage", `predict: ${ofImages} is for images alone, ${found}`);
  }
  const ofFilms = every ? "--every" : smooth && "--smooth";
  if (ofFilms && films.length === 0) {
    const found = `found ${counted(images.length, "image")} and no film; leave out the flag`;
    throw new PspnetError("usage", `predict: ${ofFilms} is for films, ${found}`);
  }
  if (logits && images.length !== 1)
    throw new PspnetError("usage", `predict: --logits expects one image, found ${images.length}; give one file`);
}

async function predictImages(
  net: Network,
  images: readonly FoundImage[],
  { flags, signal }: { readonly flags: PredictFlags; readonly signal: AbortSignal },
): Promise<ImageOutcome[]> {
  const progress = new Progress(messages, { label: "predict", total: images.length });
  const outcomes: ImageOutcome[] = [];
  // While one image is segmented, the next is read and the one before is written.
  const work = (found: FoundImage) => attempt(found.file, () => segmentFile(net, found, flags));
  for await (const outcome of mapAhead(until(signal, images), work, { ahead: 1 })) {
    outcomes.push(outcome);
    if ("error" in outcome) progress.log(outcome.error);
    progress.update(outcomes.length);
  }
  progress.finish();
  if (outcomes.length === images.length) return outcomes;
  const done = `${outcomes.length} of ${counted(images.length, "image")}`;
  throw new PspnetError("interrupted", `stopped after ${done}; those are written`);
}

/** The items until the signal. */
function* until<T>(signal: AbortSignal, items: readonly T[]): Generator<T> {
  for (const item of items) {
    if (signal.aborted) return;
    yield item;
  }
}

async function segmentFile(net: Network, { file, name }: FoundImage, flags: PredictFlags): Promise<ImageOutcome> {
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
async function attempt(file: string, work: () => Promise<ImageOutcome>): Promise<ImageOutcome> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof PspnetError && error.code === "data") return { image: file, error: error.message };
    throw error;
  }
}

function report(outcomes: readonly (ImageOutcome | FilmOutcome)[], flags: PredictFlags): void {
  const whole = outcomes.filter((outcome) => !("error" in outcome));
  const failed = outcomes.length - whole.length;
  if (flags.json) printJson(outcomes);
  else {
    for (const outcome of outcomes) {
      if (!("areas" in outcome)) continue;
      const largest = outcome.areas.slice(0, 4).map(({ name, share }) => `${name} ${(100 * share).toFixed(1)} %`);
      const what = "film" in outcome ? `${outcome.film}: ${counted(outcome.frames, "frame")}` : outcome.image;
      print(`${what}: ${largest.join(", ")}`);
    }
    const count = (kind: "image" | "film") => whole.filter((outcome) => kind in outcome).length;
    const kinds = (["image", "film"] as const).filter((kind) => outcomes.some((outcome) => kind in outcome));
    const counts = kinds.map((kind) => counted(count(kind), kind));
    print(`${counts.join(" and ")} segmented into ${flags.out}${failed > 0 ? `, ${failed} failed` : ""}`);
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
