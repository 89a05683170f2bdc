import { PspnetError } from "../error.js";

/** What a runtime throws when a network's logits are infinite or NaN: the class of a pixel would mean nothing. */
export function notFinite(cause?: unknown): PspnetError {
  return new PspnetError(
    "weights",
    "the network's logits: expected numbers, found infinite ones or NaN; its weights hold such numbers, or are too large for this " +
      "precision: try precision=fp32, or train again with a lower learning rate",
    { cause },
  );
}
