import { type ModelDescription, Network, type Runtime, type SegmentOptions } from "@pspnet/core";
import { decode, type Photograph } from "./image/decode.js";
import type { Backend } from "./runtime/backend.js";

export interface WebNetworkParts {
  readonly description: ModelDescription;
  readonly backend: Backend;
  readonly defaults?: SegmentOptions;
}

/** A network in a page's worker. Dispose of it to end the worker and free its memory. */
export class WebNetwork extends Network<Photograph> {
  /** What the network runs on, and why not on what was preferred. */
  readonly backend: Backend;

  constructor(runtime: Runtime, { backend, ...parts }: WebNetworkParts) {
    super(runtime, { ...parts, decode });
    this.backend = backend;
  }
}
