import { join, relative } from "node:path";
import { classAreas, colourise, type LabelMap, overlay, PspnetError, type RgbImage } from "@pspnet/core";
import { backend } from "@pspnet/torch";
import { encodePng, readImage } from "../data/images.js";
import { encodeMask } from "../data/masks.js";
import { atomicWrite } from "../files/atomicWrite.js";
import { findImages } from "../files/findImages.js";
import { encodeNpy } from "../files/npy.js";
import { Progress } from "../report/progress.js";
import { openEngine } from "../segment/engine.js";
import { Segmenter } from "../segment/segmenter.js";
import { loadModel } from "../segment/weights.js";
import { type ProtocolFlags, protocolOf } from "./protocolFlags.js";
import { interruptible, messages, print, printJson } from "./terminal.js";

interface PredictFlags extends ProtocolFlags {
  readonly out: string;
  readonly logits?: string;
}

/** What one image gave, or why it gave nothing. */
type Outcome =
  | { readonly image: string; readonly areas: ReturnType<typeof classAreas>; readonly files: readonly string[] }
  | { readonly image: string; readonly error: string };

export async function predict(weights: string, inputs: readonly string[], flags: PredictFlags): Promise<void> {
  const images = await findImages(inputs);
  if (flags.logits && images.length !== 1) {
    throw new PspnetError("usage", `predict: --logits expects one image, found ${images.length}; give one file`);
  }
  const engine = openEngine(flags);
  const { model, description } = await loadModel(weights, backend({ device: engine.device }));
  const segmenter = new Segmenter({ model, engine, input: description });
  const { classes } = description;
  const progress = new Progress(messages, { label: "predict", total: images.length });
  const outcomes: Outcome[] = [];
  await interruptible(async (signal) => {
    for (const [i, { file, name }] of images.entries()) {
      if (signal.aborted)
        throw new PspnetError("interrupted", `stopped after ${i} of ${images.length} images; those are written`);
      const outcome = await attempt(file, async () => {
        const image = await readImage(file);
        if (flags.logits) await writeLogits(flags.logits, segmenter, image, classes.names.length);
        const label = segmenter.labels(image, protocolOf(flags));
        return {
          image: file,
          areas: classAreas(label, classes.names),
          files: await writePictures(join(flags.out, name), {
            image,
            label,
            palette: classes.palette,
            names: classes.names,
          }),
        };
      });
      outcomes.push(outcome);
      if ("error" in outcome) progress.log(outcome.error);
      progress.update(i + 1);
    }
  });
  progress.finish();
  report(outcomes, flags);
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
    print(`${outcomes.length - failed} images segmented into ${flags.out}${failed > 0 ? `, ${failed} failed` : ""}`);
  }
  if (failed > 0) process.exitCode = 1;
}

interface Pictures {
  readonly image: RgbImage;
  readonly label: LabelMap;
  readonly palette: Parameters<typeof colourise>[1];
  readonly names: readonly string[];
}

async function writePictures(stem: string, { image, label, palette, names }: Pictures): Promise<string[]> {
  const files: Record<string, Uint8Array | string> = {
    [`${stem}.labels.png`]: await encodeMask(label, palette),
    [`${stem}.colour.png`]: await encodePng(colourise(label, palette)),
    [`${stem}.overlay.png`]: await encodePng(overlay(image, label, { palette })),
    [`${stem}.json`]: `${JSON.stringify({ width: image.width, height: image.height, areas: classAreas(label, names) }, null, 2)}\n`,
  };
  for (const [file, content] of Object.entries(files)) await atomicWrite(file, content);
  return Object.keys(files).map((file) => relative(process.cwd(), file));
}

async function writeLogits(file: string, segmenter: Segmenter, image: RgbImage, classes: number): Promise<void> {
  await atomicWrite(file, encodeNpy(segmenter.logits(image), [classes, image.height, image.width]));
}
