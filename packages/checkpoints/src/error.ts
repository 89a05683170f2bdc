/** What went wrong, for programs; the message is for people. */
export type ErrorCode = "usage" | "config" | "data" | "format" | "weights" | "training" | "environment" | "interrupted";

/**
 * The one error class of pspnet. The message says where, what was expected, what was found, and the mend:
 * `cls.4.weight: expected [150,512,1,1], found [21,512,1,1]; set head=new`.
 */
export class PspnetError extends Error {
  override readonly name = "PspnetError";

  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
