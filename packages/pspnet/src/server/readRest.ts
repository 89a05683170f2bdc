import { once } from "node:events";
import type { MiddlewareHandler } from "hono";
import { CLOSE } from "./problem.js";
import type { ServerEnvironment } from "./requestParts.js";

/** Milliseconds that the rest of a body may take to arrive. */
const PATIENCE = 1000;

/**
 * Reads the body of a request that was refused before anybody did, so that the answer arrives and the connection can be used again;
 * one whose body goes on is closed.
 */
export const readRest: MiddlewareHandler<ServerEnvironment> = async (c, next) => {
  await next();
  const incoming = c.env?.incoming;
  if (!incoming || incoming.complete || incoming.readableDidRead || incoming.destroyed) return;
  const signal = AbortSignal.timeout(PATIENCE);
  await once(incoming.resume(), "end", { signal }).catch(() => {});
  if (!incoming.complete) c.header("connection", CLOSE.connection);
};
