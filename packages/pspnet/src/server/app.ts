import { existsSync } from "node:fs";
import { serveStatic } from "@hono/node-server/serve-static";
import { PspnetError } from "@pspnet/core";
import { type Handler, Hono, type MiddlewareHandler } from "hono";
import { secureHeaders } from "hono/secure-headers";
import type { Logger } from "pino";
import { apiPage } from "./apiPage.js";
import { requireBearer } from "./bearer.js";
import type { Metrics } from "./metrics.js";
import { openApi } from "./openApi.js";
import { Problem, problemResponse } from "./problem.js";
import { RateLimit } from "./rateLimit.js";
import { readRest } from "./readRest.js";
import { requestLog } from "./requestLog.js";
import { addressOf, type ServerEnvironment } from "./requestParts.js";
import type { ModelsJson } from "./schemas.js";
import { type SegmentRouteParts, segmentRoute } from "./segmentRoute.js";

export interface AppParts extends SegmentRouteParts {
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Needed by whoever asks the networks or for the metrics. */
  readonly token: string | null;
  /** Whether the server takes no more connections. */
  readonly stopping: () => boolean;
  /** The routes below /v1/jobs. */
  readonly jobs: Hono<ServerEnvironment> | null;
  /** A folder of files that `/` and what is below it give; where it is not there `/` tells of the server. */
  readonly page: string;
}

/** Pages need nothing from elsewhere; the demo compiles WebAssembly, in workers too. */
const CONTENT_SECURITY = {
  defaultSrc: ["'self'"],
  scriptSrc: ["'self'", "'wasm-unsafe-eval'"],
  workerSrc: ["'self'", "blob:"],
  imgSrc: ["'self'", "blob:", "data:"],
  styleSrc: ["'self'", "'unsafe-inline'"],
  frameAncestors: ["'none'"],
};

/** The routes of the server. */
export function app(parts: AppParts): Hono<ServerEnvironment> {
  const { keeper, metrics, token, page, log, allowUrls, jobs } = parts;
  const api = openApi({ models: keeper.models, allowUrls, token: token !== null, jobs: jobs !== null });
  const about: Handler<ServerEnvironment> = (c) => c.html(apiPage(api, keeper.models));
  const routes = new Hono<ServerEnvironment>();

  routes.use(requestLog({ log, metrics, paths: ["/", ...Object.keys(api.paths)] }));
  routes.use(readRest);
  routes.use(async (c, next) => {
    await next();
    if (parts.stopping()) c.header("connection", "close");
  });
  // Isolated from other origins, so that WebAssembly may have threads.
  routes.use(
    secureHeaders({
      contentSecurityPolicy: CONTENT_SECURITY,
      crossOriginEmbedderPolicy: true,
      // Whether there is TLS before it is for who puts it there to say.
      strictTransportSecurity: false,
      xFrameOptions: "DENY",
    }),
  );
  routes.use("/v1/*", limited(parts), guarded(token));
  routes.use("/metrics", guarded(token));

  routes.post("/v1/segment", segmentRoute(parts));
  routes.get("/v1/models", (c) => c.json(models(parts)));
  if (jobs) routes.route("/v1/jobs", jobs);
  routes.get("/healthz", (c) => c.text("ok\n"));
  routes.get("/readyz", (c) => {
    if (keeper.ready && !parts.stopping()) return c.text("ready\n");
    throw new Problem(503, "expected networks that run, found them starting or stopping", { "retry-after": "1" });
  });
  routes.get("/metrics", async (c) => c.body(await metrics.text(), 200, { "content-type": metrics.type }));
  routes.get("/openapi.json", (c) => c.json(api));
  routes.get("/docs", about);
  for (const [path, methods] of Object.entries(api.paths))
    routes.all(path.replace(/\{(\w+)\}/g, ":$1"), notAllowed(Object.keys(methods)));
  if (existsSync(page)) routes.use(pageFiles(page));
  else routes.get("/", about);

  routes.notFound(({ req }) => {
    throw new Problem(404, `${req.path}: expected a path of /openapi.json, found none of them`);
  });
  routes.onError((error) => problemResponse(problemOf(error)));
  return routes;
}

/** The files of a folder that Vite built: of those below assets, whose names have their hash, there is never another version. */
function pageFiles(root: string): MiddlewareHandler<ServerEnvironment> {
  const files = serveStatic<ServerEnvironment>({ root });
  return async (c, next) => {
    const found = await files(c, next);
    const kept = c.req.path.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache";
    found?.headers.set("cache-control", kept);
    return found;
  };
}

/** What is nobody's problem but ours is told in the log alone. */
function problemOf(error: Error): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof PspnetError && error.code === "environment")
    return new Problem(500, "the network ended while it worked on this request, and is started again");
  return new Problem(500, "the request could not be worked on; the server's log says why");
}

function limited({ limits }: AppParts): MiddlewareHandler<ServerEnvironment> {
  if (limits.rate === 0) return (_, next) => next();
  const limit = new RateLimit(limits.rate);
  return (c, next) => {
    limit.take(addressOf(c));
    return next();
  };
}

function guarded(token: string | null): MiddlewareHandler<ServerEnvironment> {
  return (c, next) => {
    if (token !== null) requireBearer(token, c.req.header("authorization"));
    return next();
  };
}

function notAllowed(methods: readonly string[]): Handler<ServerEnvironment> {
  const allow = methods.map((method) => method.toUpperCase()).join(", ");
  return ({ req }) => {
    throw new Problem(405, `${req.path}: expected ${allow}, found ${req.method}`, { allow });
  };
}

function models({ keeper }: AppParts): ModelsJson {
  return {
    models: keeper.models.map(({ name, classes, crop, runtime, licence, score, origin }) => ({
      name,
      classes: classes.names.map((name, id) => ({ id, name, colour: [...classes.palette[id]] })),
      crop: typeof crop === "number" ? crop : [...crop],
      runtime,
      licence,
      meanIoU: score?.meanIoU ?? null,
      origin: origin ?? null,
    })),
  };
}
