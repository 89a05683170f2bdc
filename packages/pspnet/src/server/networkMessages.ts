import type { ModelDescription, RuntimeName } from "@pspnet/core";
import type { AnswerKind } from "./answerKind.js";
import type { NamedWeights, ServedNetworkOptions } from "./options.js";

/** First it is told to open its networks. */
export type NetworkQuestion =
  | { readonly kind: "open"; readonly weights: readonly NamedWeights[]; readonly options: ServedNetworkOptions }
  | ({ readonly kind: "segment" } & SegmentQuestion);

export interface SegmentQuestion {
  /** The network's name. */
  readonly model: string;
  /** A file. */
  readonly photograph: Uint8Array;
  readonly maxPixels: number;
  readonly answer: AnswerKind;
}

/** A network that is served. */
export interface ServedModel extends Pick<ModelDescription, "classes" | "crop" | "licence" | "score" | "origin"> {
  readonly name: string;
  readonly runtime: RuntimeName;
}

/** The body of an answer, or why there is none, which is the photograph's fault. */
export type Segmented =
  | { readonly kind: "segmented"; readonly body: Uint8Array }
  | { readonly kind: "refused"; readonly status: 413 | 422; readonly detail: string };

export type NetworkAnswer = { readonly kind: "opened"; readonly models: readonly ServedModel[] } | Segmented;
