import { IGNORE, PspnetError, type Size } from "@pspnet/core";
import { countClasses } from "../data/check.js";
import { type Dataset, ID_MEND, sameSize, wrongSize } from "../data/dataset.js";
import { sizeOf } from "../data/images.js";
import { readMask } from "../data/masks.js";
import { spread } from "../data/spread.js";

/** What a plan knows of a dataset. */
export interface DataFacts {
  /** Samples to train on. */
  readonly training: number;
  readonly validation: number;
  readonly classes: readonly string[];
  /** The median of heights and of widths, of the photographs that were looked at. */
  readonly size: Size;
  /** The greatest height and width. */
  readonly largest: Size;
  /** Whether photographs differ in size. */
  readonly mixed: boolean;
  /** Of each class in the labelled pixels of the masks that were looked at. */
  readonly shares: readonly number[];
}

/** Samples of a split that are looked at. */
const LOOKED_AT = 64;
/** Pixels of masks after which no more are read. */
const MOST_PIXELS = 2 ** 27;

/** What the samples of a split that were looked at are like. */
interface Look {
  readonly sizes: readonly Size[];
  /** By class. */
  readonly pixels: Float64Array;
}

/**
 * Looks at samples from all over a dataset: sizes by the files' headers, classes by the training masks.
 *
 * @throws PspnetError "data" for a file that cannot be read, a mask of another size than its photograph, and ids that are no class.
 */
export async function lookAtData(
  training: Dataset,
  validation: Dataset,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<DataFacts> {
  const { pixels, ...found } = await lookAt(training, signal);
  const sizes = [...found.sizes, ...(await lookAt(validation, signal)).sizes];
  const { names } = training.classes;
  const labelled = pixels.subarray(0, IGNORE).reduce((sum, count) => sum + count, 0) || 1;
  const [heights, widths] = (["height", "width"] as const).map((side) => sizes.map((one) => one[side]).sort(ascending));
  return {
    training: training.length,
    validation: validation.length,
    classes: names,
    size: { height: middle(heights), width: middle(widths) },
    largest: { height: heights.at(-1)!, width: widths.at(-1)! },
    mixed: sizes.some((size) => !sameSize(size, sizes[0])),
    shares: names.map((_, id) => pixels[id] / labelled),
  };
}

async function lookAt({ source }: Dataset, signal: AbortSignal | undefined): Promise<Look> {
  const sizes: Size[] = [];
  const pixels = new Float64Array(256);
  const problems: string[] = [];
  let seen = 0;
  for (const pair of spread(source.pairs, LOOKED_AT)) {
    signal?.throwIfAborted();
    const photograph = await sizeOf(pair.image);
    sizes.push(photograph);
    if (seen >= MOST_PIXELS) continue;
    const mask = await readMask(pair.mask!, { colours: source.colours });
    const turned = { width: photograph.height, height: photograph.width };
    if (!sameSize(photograph, mask) && !sameSize(turned, mask))
      throw new PspnetError("data", `${wrongSize(photograph, mask, pair)}; \`pspnet data check\` lists all such pairs`);
    seen += mask.data.length;
    const { labels, unknownIds } = countClasses(mask, { pair, source, problems });
    if (unknownIds.length > 0) throw new PspnetError("data", `${problems[0]}; ${ID_MEND}`);
    for (const [id, count] of labels.entries()) pixels[id] += count;
  }
  return { sizes, pixels };
}

const ascending = (a: number, b: number) => a - b;
const middle = (ordered: readonly number[]) => ordered[Math.floor(ordered.length / 2)];
