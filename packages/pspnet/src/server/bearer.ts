import { createHash, timingSafeEqual } from "node:crypto";
import { Problem } from "./problem.js";

/**
 * Lets in who has the token, in a time that tells nothing of it.
 *
 * @param authorization the request's header.
 * @throws Problem 401.
 */
export function requireBearer(token: string, authorization: string | undefined): void {
  const given = /^bearer +(\S+)$/i.exec(authorization ?? "")?.[1] ?? "";
  if (timingSafeEqual(digest(given), digest(token))) return;
  const found = authorization === undefined ? "none" : "another";
  throw new Problem(401, `Authorization: expected Bearer and the server's token, found ${found}`, {
    "www-authenticate": "Bearer",
  });
}

/** Of one length, whatever the text's. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
