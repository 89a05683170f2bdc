import type { PredictionPrecision, RuntimeName, Size } from "@pspnet/core";

/** One thing that is measured, in a process of its own. */
export interface BenchCase {
  readonly runtime: RuntimeName;
  readonly precision: PredictionPrecision;
  /** Of the photograph. */
  readonly size: Size;
}

/** What the process is started for, as its first message. */
export type BenchTask =
  | ({ readonly kind: "segment"; readonly weights: string; readonly threads: number } & BenchCase)
  | ({ readonly kind: "matrixProduct"; readonly threads: number } & Pick<BenchCase, "runtime" | "precision">);

export type ToBenchProcess = { readonly kind: "start"; readonly task: BenchTask } | { readonly kind: "run" };

export type FromBenchProcess =
  | { readonly kind: "ready" }
  /** Milliseconds of one round, the largest memory of the process so far, in bytes, and how many convolutions were Winograd's. */
  | { readonly kind: "round"; readonly milliseconds: number; readonly peakMemory: number; readonly winograd: number }
  | { readonly kind: "failed"; readonly message: string };
