import { createServer, type Server, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { getRequestListener } from "@hono/node-server";
import type { Hono } from "hono";
import type { ServerLimits } from "./options.js";
import { PROBLEM_TYPE, Problem, problemBody, problemResponse } from "./problem.js";
import type { ServerEnvironment } from "./requestParts.js";

/** Milliseconds that a request's head may take, that an idle connection is kept, and between looks at both. */
const [HEAD, IDLE, LOOK] = [10_000, 5_000, 1_000];
/** Bytes of a request's head. */
const MAX_HEAD = 16_384;

/** Routes behind HTTP, with limits on what comes before they are asked. */
export function httpServer(
  routes: Hono<ServerEnvironment>,
  { bodySeconds, deadline }: Pick<ServerLimits, "bodySeconds" | "deadline">,
): Server {
  const listener = getRequestListener((request, env) => routes.fetch(request, env), {
    overrideGlobalObjects: false,
    errorHandler: (error) => problemResponse(new Problem(400, `request: ${(error as Error).message}`)),
  });
  const limits = {
    maxHeaderSize: MAX_HEAD,
    headersTimeout: HEAD,
    // Behind the routes' own, which is told why.
    requestTimeout: HEAD + 2000 * bodySeconds,
    keepAliveTimeout: IDLE,
    connectionsCheckingInterval: LOOK,
  };
  const server = createServer(limits, listener);
  // Of connections on which nothing moves, such as of a client that does not read its answer.
  server.timeout = limits.requestTimeout + 2000 * deadline;
  return server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    refuse(socket as Socket, headProblem(error.code));
  });
}

function headProblem(code: string | undefined): Problem {
  if (code === "HPE_HEADER_OVERFLOW")
    return new Problem(431, `request: expected a head of at most ${MAX_HEAD} bytes, found more`);
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return new Problem(408, "request: expected all of it in time, found less");
  return new Problem(400, "request: expected HTTP/1.1, found something else");
}

function refuse(socket: Socket, problem: Problem): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = problemBody(problem);
  const { status } = problem;
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: ${PROBLEM_TYPE}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Connection: close\r\n\r\n${body}`,
  );
}
