import type { Protocol } from "@pspnet/core";
import type { Share } from "../ranks/share.js";
import type { LoggedErrors } from "../report/errorLog.js";

/** What is scored on what, and how. */
export interface EvaluationKeys {
  /** As it was given. */
  readonly weights: { readonly file: string };
  /** As it was given. */
  readonly dataset: {
    readonly data: string;
    readonly split: string;
    readonly format: string | null;
    readonly images: number;
    /** Of each image. */
    readonly channels: number;
  };
  readonly protocol: Protocol;
  /** What computes, as `torch on cpu in bf16`: others round otherwise. */
  readonly runtime: string;
  /** Of the classes. */
  readonly names: readonly string[];
}

/** What was found in images, as plain data. */
export interface Findings {
  /** Pixels by (true class, predicted class), row by row. */
  readonly counts: readonly number[];
  readonly seconds: number;
  /** Where predictions were kept, what was found image by image. */
  readonly errors: LoggedErrors | null;
}

/** What an evaluation gave, as plain data. */
export interface Evaluation extends EvaluationKeys, Findings {}

/** The evaluation of a share of the dataset's images, and what tells it from one of other weights and of other images. */
export interface EvaluationPart extends Evaluation {
  readonly part: Share;
  readonly weights: Identified<Evaluation["weights"]>;
  readonly dataset: Identified<Evaluation["dataset"]>;
}

/** With the SHA-256 of the weights file, or what `datasetIdentity` says of a dataset. */
type Identified<T> = T & { readonly sha256: string };
