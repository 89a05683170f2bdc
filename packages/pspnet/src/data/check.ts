import { IGNORE, overlay, PspnetError, type RgbImage } from "@pspnet/core";
import { grid, shrinkTo } from "../report/grid.js";
import { percent, table } from "../report/table.js";
import type { Dataset } from "./dataset.js";
import { readImage } from "./images.js";
import { readMask } from "./masks.js";
import { type Pair, UNKNOWN } from "./source.js";

/** What a dataset holds, and what in it would stop or spoil a run. */
export interface CheckReport {
  readonly samples: number;
  readonly classes: readonly {
    readonly id: number;
    readonly name: string;
    readonly pixels: number;
    readonly images: number;
  }[];
  readonly ignoredPixels: number;
  /** Sizes of the images, the most frequent first. */
  readonly sizes: readonly { readonly width: number; readonly height: number; readonly images: number }[];
  /** Masks that are palette PNGs: read by their indices. */
  readonly paletteMasks: number;
  /** One line for each broken or missing file, file without a partner, size mismatch and id out of range. */
  readonly problems: readonly string[];
  /** Classes that no mask has. */
  readonly emptyClasses: readonly string[];
}

const SHEET_COLUMNS = 3;
const SHEET_HEIGHT = 240;

/** Reads every sample of a dataset; nothing stops it. Open the dataset with `strict: false` to see missing files too. */
export async function checkDataset(
  dataset: Dataset,
  { onProgress }: { readonly onProgress?: (done: number) => void } = {},
): Promise<CheckReport> {
  const { source, classes } = dataset;
  const pixels = new Float64Array(256);
  const images = new Float64Array(classes.names.length);
  const sizes = new Map<string, number>();
  const problems: string[] = [...source.problems];
  let paletteMasks = 0;
  for (const [i, pair] of source.pairs.entries()) {
    const found = await inspect(pair, problems);
    if (found) {
      sizes.set(found.size, (sizes.get(found.size) ?? 0) + 1);
      paletteMasks += found.palette ? 1 : 0;
      const counts = countClasses(found.histogram, { pair, source, problems });
      for (const [id, count] of counts.entries()) {
        pixels[id] += count;
        if (count > 0 && id < images.length) images[id]++;
      }
    }
    onProgress?.(i + 1);
  }
  const table = classes.names.map((name, id) => ({ id, name, pixels: pixels[id], images: images[id] }));
  return {
    samples: source.pairs.length,
    classes: table,
    ignoredPixels: pixels[IGNORE],
    sizes: [...sizes].sort(([, a], [, b]) => b - a).map(([size, count]) => ({ ...parseSize(size), images: count })),
    paletteMasks,
    problems,
    emptyClasses: table.filter(({ pixels }) => pixels === 0).map(({ name }) => name),
  };
}

/** Image and mask of a pair; null, with a line in `problems`, when one cannot be read. */
async function inspect({ image: imagePath, mask: maskPath }: Pair, problems: string[]) {
  const [image, mask] = await Promise.allSettled([readImage(imagePath), readMask(maskPath)]);
  for (const part of [image, mask]) {
    if (part.status === "rejected")
      problems.push(part.reason instanceof PspnetError ? part.reason.message : String(part.reason));
  }
  if (image.status === "rejected" || mask.status === "rejected") return null;
  const { width, height } = image.value;
  if (mask.value.width !== width || mask.value.height !== height) {
    problems.push(
      `${maskPath}: expected a mask of ${width}x${height} as ${imagePath}, found ${mask.value.width}x${mask.value.height}`,
    );
  }
  const histogram = new Uint32Array(256);
  for (const id of mask.value.data) histogram[id]++;
  return { size: `${width}x${height}`, histogram, palette: mask.value.palette };
}

/** Pixels by class of one mask; ids that are no class go to `problems`. */
function countClasses(
  histogram: Uint32Array,
  { pair, source, problems }: { pair: Pair; source: Dataset["source"]; problems: string[] },
): Float64Array {
  const counts = new Float64Array(256);
  for (const [id, count] of histogram.entries()) {
    if (count === 0) continue;
    const label = source.ids[id];
    if (label === UNKNOWN)
      problems.push(`${pair.mask}: id ${id} in ${count} pixels is none of the ${source.classes.names.length} classes`);
    else counts[label] += count;
  }
  return counts;
}

function parseSize(size: string): { width: number; height: number } {
  const [width, height] = size.split("x").map(Number);
  return { width, height };
}

/** The report as plain text. */
export function formatCheckReport(report: CheckReport): string {
  const { classes, ignoredPixels, sizes, problems, emptyClasses, paletteMasks, samples } = report;
  const total = classes.reduce((sum, { pixels }) => sum + pixels, ignoredPixels) || 1;
  const rows = classes.map(({ id, name, pixels, images }) => [
    String(id),
    name,
    percent(pixels / total),
    String(images),
  ]);
  const shown = sizes.slice(0, 3).map(({ width, height, images }) => `${width}x${height} (${images})`);
  return [
    table(
      ["id", "class", "pixels %", "images"],
      [...rows, [String(IGNORE), "ignored", percent(ignoredPixels / total), ""]],
    ),
    `${samples} samples; sizes ${shown.join(", ") || "none"}${sizes.length > 3 ? ` and ${sizes.length - 3} more` : ""}`,
    ...(paletteMasks > 0 ? [`${paletteMasks} masks are palette PNGs; their indices are the ids`] : []),
    ...(emptyClasses.length > 0 ? [`no pixel of: ${emptyClasses.join(", ")}`] : []),
    problems.length === 0
      ? "no problems"
      : `${problems.length} problems:\n${problems.map((line) => `  ${line}`).join("\n")}`,
  ].join("\n");
}

/** Samples from all over the dataset that can be read, each image beside itself tinted by its classes. */
export async function contactSheet(dataset: Dataset, { count }: { readonly count: number }): Promise<RgbImage> {
  const tiles: RgbImage[] = [];
  const step = Math.max(1, Math.floor(dataset.length / count));
  for (let i = 0; i < dataset.length && tiles.length < count; i += step) {
    const sample = await dataset.at(i).catch(() => null);
    if (!sample) continue;
    const tinted = overlay(sample.image, sample.label, { palette: dataset.classes.palette, opacity: 0.6 });
    tiles.push(shrinkTo(SHEET_HEIGHT, grid([sample.image, tinted], { columns: 2, gap: 2 })));
  }
  return grid(tiles, { columns: SHEET_COLUMNS, gap: 8 });
}
