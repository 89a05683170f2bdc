import { randomUUID } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import type { Logger } from "pino";
import type { Metrics } from "./metrics.js";
import { addressOf, type ServerEnvironment } from "./requestParts.js";

export interface RequestLogParts {
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Paths that are counted by themselves, as OpenAPI writes them; nobody can make more of them. */
  readonly paths: readonly string[];
}

/** Logs and counts every request, once it is answered. */
export function requestLog({ log, metrics, paths }: RequestLogParts): MiddlewareHandler<ServerEnvironment> {
  const patterns = paths.map((path) => [path, new RegExp(`^${path.replace(/\{\w+\}/g, "[^/]+")}$`)] as const);
  return async (c, next) => {
    const id = randomUUID();
    const began = performance.now();
    await next();
    c.header("x-request-id", id);
    const { method, path } = c.req;
    const { status } = c.res;
    const milliseconds = performance.now() - began;
    const [route] = patterns.find(([, pattern]) => pattern.test(path)) ?? ["other"];
    metrics.requests.inc({ method: KNOWN_METHODS.has(method) ? method : "other", route, status });
    metrics.requestSeconds.observe({ route }, milliseconds / 1000);
    const known = {
      id,
      method,
      path,
      status,
      ms: Math.round(milliseconds),
      address: addressOf(c),
      model: c.get("model"),
    };
    const level = status >= 500 && status !== 503 ? "error" : "info";
    log[level]({ ...known, reason: c.error?.message }, "request");
  };
}

const KNOWN_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "DELETE"]);
