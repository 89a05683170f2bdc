import { PspnetError } from "@pspnet/core";

/**
 * Files are read and nothing is fetched; a drive's letter is no protocol.
 *
 * @param what is in the file, for the message.
 * @throws PspnetError "usage" when the path is a URL.
 */
export function refuseUrl(path: string, what: string): void {
  if (!/^[a-z][a-z\d+.-]+:\/\//i.test(path)) return;
  const mend = path.startsWith("file:") ? "take fileURLToPath of node:url" : "fetch it, and give the file or its bytes";
  throw new PspnetError("usage", `${path}: expected the path of ${what}, found a URL; ${mend}`);
}
