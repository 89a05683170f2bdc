import { ConfusionMatrix, headline, type Image, type Network, type Protocol } from "@pspnet/core";
import type { Dataset } from "../data/dataset.js";
import { counted } from "../report/counted.js";
import { percent } from "../report/table.js";
import { evaluate } from "../segment/evaluate.js";

/** What int8 gives beside float32. */
export interface Comparison {
  /** Shares, where there are labels to score by. */
  readonly meanIoU?: { readonly fp32: number; readonly int8: number };
  /** Share of the images' pixels that both label alike, where there are none. */
  readonly agreement?: number;
  /** The same in words. */
  readonly outcome: string;
}

/** The network as it was, and in int8. */
export interface Pair {
  readonly fp32: Network;
  readonly int8: Network;
}

interface CompareOptions {
  readonly signal: AbortSignal;
  readonly onImage: (done: number, total: number) => void;
}

/** Scores both on a dataset. */
export async function compareScores(
  { fp32, int8 }: Pair,
  { dataset, name, protocol }: { readonly dataset: Dataset; readonly name: string; readonly protocol: Protocol },
  { signal, onImage }: CompareOptions,
): Promise<Comparison> {
  const total = 2 * dataset.length;
  let images = 0;
  const score = async (net: Network) => {
    const told = () => onImage(++images, total);
    const confusion = await evaluate(net, dataset, { protocol, signal, onImage: told });
    return headline(confusion.scores(), protocol.rules.mean).meanIoU;
  };
  const meanIoU = { fp32: await score(fp32), int8: await score(int8) };
  const lost = (100 * (meanIoU.fp32 - meanIoU.int8)).toFixed(2);
  const scores = `mIoU ${percent(meanIoU.int8)} %, float32 ${percent(meanIoU.fp32)} %: ${lost} points lost`;
  return { meanIoU, outcome: `${scores} on ${counted(dataset.length, "image")} of ${name}` };
}

/** Labels images by both. */
export async function compareLabels(
  { fp32, int8 }: Pair,
  images: readonly Image[],
  { signal, onImage }: CompareOptions,
): Promise<Comparison> {
  const confusion = new ConfusionMatrix(fp32.classes.names.length);
  for (const [i, image] of images.entries()) {
    const options = { signal };
    const truth = await fp32.labels(image, options);
    confusion.add((await int8.labels(image, options)).data, truth.data);
    onImage(i + 1, images.length);
  }
  const agreement = confusion.scores().pixelAccuracy;
  return {
    agreement,
    outcome: `labels as float32's on ${percent(agreement)} % of the pixels of ${counted(images.length, "image")}`,
  };
}
