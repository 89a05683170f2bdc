import { PspnetError } from "@pspnet/core";

/** In hexadecimal. @throws PspnetError "environment" where browsers compute none. */
export async function sha256Of(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  if (!globalThis.crypto?.subtle) {
    const mend = "serve the page over https, or from localhost";
    throw new PspnetError("environment", `sha256: expected a secure context, found ${globalThis.origin}; ${mend}`);
  }
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
