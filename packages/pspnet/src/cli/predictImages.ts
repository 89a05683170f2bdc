import { join } from "node:path";
import { type ClassArea, inputChannels, type Network, PspnetError, type Segmentation } from "@pspnet/core";
import { mapAhead } from "@pspnet/core/segment";
import { readImage } from "../data/images.js";
import { atomicWrite } from "../files/atomicWrite.js";
import type { FoundImage } from "../files/findImages.js";
import { encodeNpy } from "../files/npy.js";
import { encodeMask, encodePng } from "../files/png.js";
import { RECORD, RESULT } from "../files/results.js";
import { type SubmissionName, submissionOf } from "../files/submissions.js";
import { counted } from "../report/counted.js";
import { fromHere } from "./terminal.js";

export interface ImageFlags {
  readonly out: string;
  readonly logits?: string;
  readonly submit?: SubmissionName;
}

/** What one image gave, or why it gave nothing. */
export type ImageOutcome =
  | { readonly image: string; readonly areas: readonly ClassArea[]; readonly files: readonly string[] }
  | { readonly image: string; readonly error: string };

interface ImageWork {
  readonly flags: ImageFlags;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
  readonly onDone: (images: number) => void;
}

/** One image after the other, until the signal. */
export async function predictImages(
  net: Network,
  images: readonly FoundImage[],
  { flags, signal, say, onDone }: ImageWork,
): Promise<ImageOutcome[]> {
  const outcomes: ImageOutcome[] = [];
  // While one image is segmented, the next is read and the one before is written.
  const work = (found: FoundImage) => attempt(found.file, () => segmentFile(net, found, flags));
  for await (const outcome of mapAhead(until(signal, images), work, { ahead: 1 })) {
    outcomes.push(outcome);
    if ("error" in outcome) say(outcome.error);
    onDone(outcomes.length);
  }
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

async function segmentFile(net: Network, { file, name }: FoundImage, flags: ImageFlags): Promise<ImageOutcome> {
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
