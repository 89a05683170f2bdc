import { PspnetError } from "@pspnet/core";
import { type FoundImages, findImages } from "../files/findImages.js";
import { launchWork } from "../ranks/launchWork.js";
import { counted } from "../report/counted.js";
import type { FilmFlags } from "./predictFilms.js";
import type { ImageFlags } from "./predictImages.js";
import { type Outcome, predictApart, predictTogether } from "./predictTogether.js";
import { type ProtocolFlags, protocolChoice } from "./protocolFlags.js";
import { checkShard, type RankFlags, threadsOf } from "./rankFlags.js";
import { interruptible, messages, print, printJson } from "./terminal.js";

interface PredictFlags extends ProtocolFlags, RankFlags, ImageFlags, FilmFlags {}

/** Of a prediction that lost a rank. */
const KEPT = "what is written is whole";
const RANK = new URL("predictRank.js", import.meta.url);

export async function predict(weights: string, inputs: readonly string[], flags: PredictFlags): Promise<void> {
  checkShard(flags);
  const found = await findImages(inputs);
  checkFlags(flags, found);
  const { out, logits, submit, every, smooth, runtime, precision, device, offline, shard } = flags;
  const threads = threadsOf(flags);
  const network = { runtime, precision, device, threads, offline };
  const choice = protocolChoice(flags);
  const task = { weights, found, network, choice, flags: { out, logits, submit, every, smooth } };
  const options = { ...flags, threads, entry: RANK, kept: KEPT, stream: messages };
  const launched = await interruptible(async (signal) =>
    shard
      ? { result: await predictApart(task, shard, { signal, stream: messages }) }
      : launchWork(predictTogether, task, { ...options, signal }),
  );
  if ("result" in launched) report(launched.result, flags);
  else if (launched.elsewhere === "failed") process.exitCode = 1;
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

function report(outcomes: readonly Outcome[], flags: PredictFlags): void {
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
    const films = outcomes.some((outcome) => "film" in outcome);
    const images = !films || outcomes.some((outcome) => "image" in outcome);
    const kinds = [...(images ? ["image" as const] : []), ...(films ? ["film" as const] : [])];
    const counts = kinds.map((kind) => counted(count(kind), kind));
    print(`${counts.join(" and ")} segmented into ${flags.out}${failed > 0 ? `, ${failed} failed` : ""}`);
  }
  if (failed > 0) process.exitCode = 1;
}
