import {
  modelCost,
  type PredictionPrecision,
  type PSPNetConfig,
  PspnetError,
  type RuntimeName,
  type Size,
} from "@pspnet/core";
import type { BenchCase, BenchTask } from "./benchCase.js";
import { MATRIX_PRODUCT_MACS } from "./matrixProduct.js";
import { type MeasureOptions, measure } from "./measure.js";

export interface BenchOptions extends MeasureOptions {
  readonly config: PSPNetConfig;
  /** File of weights of that configuration. */
  readonly weights: string;
  readonly runtimes: readonly RuntimeName[];
  readonly precisions: readonly PredictionPrecision[];
  /** Of photographs. */
  readonly sizes: readonly Size[];
  readonly threads: number;
}

export interface BenchResult extends BenchCase {
  /** From pixels to labels, the median of the rounds. */
  readonly milliseconds: number;
  readonly imagesPerSecond: number;
  /** The largest resident set of the process, in bytes. */
  readonly peakMemory: number;
  /** How many convolutions were multiplied in Winograd's form. */
  readonly winograd: number;
  /** 10^9 multiply-adds of the network, factorised. */
  readonly gmac: number;
  /** 10^12 operations a second, two for each multiply-add. */
  readonly teraflops: number;
  /**
   * Share of what a matrix product of that precision comes to on this machine, in the runtime that is the fastest at it. Winograd's form
   * multiplies less, so it may be more than 1.
   */
  readonly share: number;
}

export interface BenchReport {
  readonly results: readonly BenchResult[];
  /** What matrix products come to in each runtime, at best. */
  readonly matrixProducts: readonly (Pick<BenchCase, "runtime" | "precision"> & { readonly teraflops: number })[];
}

/** Runtimes, precisions and sizes side by side. onnxruntime has fp32 only. */
export async function bench(options: BenchOptions): Promise<BenchReport> {
  const { config, weights, threads, sizes } = options;
  const kinds = kindsOf(options);
  if (kinds.length === 0)
    throw new PspnetError(
      "usage",
      "bench: expected a case to measure, found none; runtime onnx has precision fp32 only; use --runtime torch or --precision fp32",
    );
  const cases = sizes.flatMap((size) => kinds.map((kind) => ({ ...kind, size })));
  const tasks: BenchTask[] = [
    ...kinds.map((kind) => ({ kind: "matrixProduct" as const, threads, ...kind })),
    ...cases.map((one) => ({ kind: "segment" as const, weights, threads, ...one })),
  ];
  const measurements = await measure(tasks, options);
  const matrixProducts = kinds.map((kind, i) => ({
    ...kind,
    teraflops: teraflops(MATRIX_PRODUCT_MACS, Math.min(...measurements[i].milliseconds)),
  }));
  const results = cases.map((one, i): BenchResult => {
    const { milliseconds: rounds, peakMemory, winograd } = measurements[kinds.length + i];
    const milliseconds = median(rounds);
    const gmac = modelCost(config, one.size).factorised;
    const reached = teraflops(1e9 * gmac, milliseconds);
    const rates = matrixProducts.filter(({ precision }) => precision === one.precision);
    const limit = Math.max(...rates.map((rate) => rate.teraflops));
    const figures = { milliseconds, imagesPerSecond: 1000 / milliseconds, peakMemory, winograd, gmac };
    return { ...one, ...figures, teraflops: reached, share: reached / limit };
  });
  return { results, matrixProducts };
}

function kindsOf({ runtimes, precisions }: BenchOptions): Pick<BenchCase, "runtime" | "precision">[] {
  const pairs = runtimes.flatMap((runtime) => precisions.map((precision) => ({ runtime, precision })));
  return pairs.filter(({ runtime, precision }) => runtime === "torch" || precision === "fp32");
}

const teraflops = (macs: number, milliseconds: number): number => (2 * macs) / milliseconds / 1e9;

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
