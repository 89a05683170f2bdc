import process from "node:process";
import { type Image, inputChannels, type Protocol, PspnetError, protocolOf, Segmentation } from "@pspnet/core";
import { type AnswerOptions, answerQuestions } from "@pspnet/core/threads";
import sharp from "sharp";
import { readImage, sizeOf } from "../data/images.js";
import { type OpenedNetwork, openNetwork } from "../segment/openNetwork.js";
import { parentProcess } from "../threads/parentProcess.js";
import { answerBody } from "./answerBody.js";
import type { NetworkAnswer, NetworkQuestion, Segmented, SegmentQuestion, ServedModel } from "./networkMessages.js";

// The entry of the process that photographs are decoded and networks run in. It ends with the server's, which alone heeds signals.

interface RunningNetwork extends OpenedNetwork {
  readonly protocol: Protocol;
}

const networks = new Map<string, RunningNetwork>();
let last: Promise<unknown> = Promise.resolve();

for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => {});
process.on("disconnect", () => process.exit());
// No photograph comes twice.
sharp.cache(false);

answerQuestions<NetworkQuestion, NetworkAnswer>(
  parentProcess(),
  (question, options) => (question.kind === "open" ? open(question) : segment(question, options)),
  async () => {
    for (const { runtime } of networks.values()) await runtime[Symbol.asyncDispose]();
  },
);

async function open({ weights, options }: NetworkQuestion & { readonly kind: "open" }): Promise<NetworkAnswer> {
  const models: ServedModel[] = [];
  for (const { name, weights: file } of weights) {
    const opened = await openNetwork(file, { ...options, stream: process.stderr });
    const { runtime, description, defaults } = opened;
    networks.set(name, { ...opened, protocol: protocolOf(defaults, description) });
    const { classes, crop, licence, score, origin } = description;
    models.push({ name, runtime: runtime.name, classes, crop, licence, score, origin });
  }
  return { kind: "opened", models };
}

async function segment(question: SegmentQuestion, { signal }: AnswerOptions<never>): Promise<Segmented> {
  const { model, photograph, maxPixels, answer } = question;
  const { runtime, description, protocol } = networks.get(model)!;
  const image = await decoded(photograph, { maxPixels, channels: inputChannels(description.config.input) });
  if ("kind" in image) return image;
  try {
    const labels = await inTurn(() => runtime.labels(image, { ...protocol, signal }));
    const segmentation = new Segmentation(image, labels, description.classes);
    return { kind: "segmented", body: await answerBody(segmentation, { kind: answer, model }) };
  } catch (error) {
    // Of a photograph alone: it is too large for the memory there is.
    if (error instanceof PspnetError && error.code === "usage")
      return { kind: "refused", status: 413, detail: error.message };
    throw error;
  }
}

async function decoded(
  photograph: Uint8Array,
  { maxPixels, channels }: { readonly maxPixels: number; readonly channels: number },
): Promise<Image | (Segmented & { readonly kind: "refused" })> {
  try {
    const { width, height } = await sizeOf(photograph);
    if (width * height <= maxPixels) return await readImage(photograph, { orient: true, maxPixels, channels });
    const detail = `image: expected at most ${maxPixels} pixels, found ${height}x${width}; make it smaller`;
    return { kind: "refused", status: 413, detail };
  } catch (error) {
    if (error instanceof PspnetError && error.code === "data")
      return { kind: "refused", status: 422, detail: error.message };
    throw error;
  }
}

/** One network at a time: two teams of threads on the same cores wait for each other. */
function inTurn<R>(work: () => Promise<R>): Promise<R> {
  const done = last.then(work);
  last = done.catch(() => {});
  return done;
}
