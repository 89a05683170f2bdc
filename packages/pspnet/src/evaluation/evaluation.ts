import type { Protocol } from "@pspnet/core";
import type { Share } from "../ranks/share.js";
import type { LoggedErrors } from "../report/errorLog.js";

/** By what an evaluation is known for one of the same network on the same images, looked at alike. */
export interface EvaluationKeys {
  /** As it was given, and the SHA-256 of the file. */
  readonly weights: { readonly file: string; readonly sha256: string };
  /** As it was given, and what `datasetIdentity` says of it. */
  readonly dataset: {
    readonly data: string;
    readonly split: string;
    readonly format: string | null;
    readonly images: number;
    /** Of each image. */
    readonly channels: number;
    readonly sha256: string;
  };
  readonly protocol: Protocol;
  /** What computes, as `torch on cpu in bf16`: others round otherwise. */
  readonly runtime: string;
  /** Of the classes. */
  readonly names: readonly string[];
}

/** What an evaluation gave, as plain data. */
export interface Evaluation extends EvaluationKeys {
  /** Pixels by (true class, predicted class), row by row. */
  readonly counts: readonly number[];
  readonly seconds: number;
  /** Where predictions were kept, what was found image by image. */
  readonly errors: LoggedErrors | null;
}

/** What the evaluation of a share of the dataset's images gave. */
export interface EvaluationPart extends Evaluation {
  readonly part: Share;
}
