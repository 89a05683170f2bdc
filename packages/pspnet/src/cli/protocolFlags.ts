import type { RuntimeOptions } from "../segment/openRuntime.js";
import type { Protocol } from "../segment/protocol.js";

/** The flags that `val` and `predict` share, as commander gives them. */
export interface ProtocolFlags extends RuntimeOptions {
  readonly scales: readonly number[];
  readonly flip?: true;
  readonly crop?: number;
  readonly baseSize?: number;
  readonly json?: true;
}

export function protocolOf({ scales, flip, crop, baseSize }: ProtocolFlags): Protocol {
  return { scales, flip: flip ?? false, crop: crop ?? null, baseSize: baseSize ?? null };
}
