import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { isIPv6 } from "node:net";
import { fileURLToPath } from "node:url";
import { PspnetError } from "@pspnet/core";
import { type Logger, pino } from "pino";
import { jobRoutes } from "../jobs/jobRoutes.js";
import { openJobs } from "../jobs/openJobs.js";
import { app } from "./app.js";
import type { FetchPublicOptions } from "./fetchPublic.js";
import { httpServer } from "./httpServer.js";
import { Metrics } from "./metrics.js";
import { NetworkKeeper } from "./networkKeeper.js";
import { type NamedWeights, type ServedNetworkOptions, type ServerLimits, serverLimits } from "./options.js";
import { Queue } from "./queue.js";

export interface ServeOptions extends Partial<ServerLimits>, Pick<FetchPublicOptions, "resolve" | "isPublic"> {
  readonly host?: string;
  /** 0: any that is free. */
  readonly port?: number;
  /** How photographs are looked at, and what on. */
  readonly network?: ServedNetworkOptions;
  /** Fetches photographs from addresses of the public network too. */
  readonly allowUrls?: boolean;
  /** That whoever asks networks or for metrics has to send as `Authorization: Bearer`. */
  readonly token?: string | null;
  /** Redis, for jobs of many photographs, which workers (`work`) do: redis://host:port. */
  readonly jobs?: string;
  /** None: nothing is logged. */
  readonly log?: Logger;
  /** A folder of files for `/`. */
  readonly page?: string;
}

/** A server that runs. */
export interface PspnetServer extends AsyncDisposable {
  readonly url: string;
  /** Takes no more requests, and ends when those that it took are answered. */
  stop(): Promise<void>;
}

/** Milliseconds that answers may take to reach clients once the server stops; connections that only wait are then closed. */
const LINGER = 2_000;
/** Requests in the process of the networks: while one is segmented, the next is decoded and the one before encoded. */
const AT_ONCE = 3;

const PAGE = fileURLToPath(new URL("../../page", import.meta.url));

/**
 * Segments photographs over HTTP. Networks run in a process of their own, which is started again when it ends.
 *
 * @param weights by the names that `?model=` takes; the first is asked where none is named.
 * @throws PspnetError "usage" for wrong limits; what `load` throws; "environment" for an address that cannot be listened at.
 * @example
 * const server = await serve([{ name: "best", weights: "best.safetensors" }], { port: 8080 });
 * console.log(server.url);
 */
export async function serve(weights: readonly NamedWeights[], options: ServeOptions = {}): Promise<PspnetServer> {
  const { host = "127.0.0.1", port = 8080, network = {}, log = pino({ enabled: false }), page = PAGE } = options;
  const { allowUrls = false, token = null, resolve, isPublic, ...given } = options;
  const limits = serverLimits(given);
  if (weights.length === 0) throw new PspnetError("usage", "serve: expected the weights of a network, found none");
  const opened = options.jobs === undefined ? null : await openJobs(options.jobs, weights);
  const queue = new Queue({ size: limits.queue, atOnce: Math.min(AT_ONCE, limits.queue) });
  const metrics = new Metrics(queue);
  const keeper = await NetworkKeeper.start({
    weights,
    options: network,
    patience: limits.deadline * 1000,
    onStart: (pid) => log.info({ process: pid, models: weights.map(({ name }) => name) }, "networks run"),
    onCrash: (how, wait) => {
      metrics.crashes.inc();
      log.error({ how, wait }, "networks ended, and are started again");
    },
  }).catch(async (error) => {
    await opened?.[Symbol.asyncDispose]();
    throw error;
  });
  const photographs = { ...limits, allowUrls, resolve, isPublic };
  const models = weights.map(({ name }) => name);
  const jobs = opened && jobRoutes({ ...photographs, ...opened, queue, models });
  let stopped: Promise<void> | null = null;
  const stopping = () => stopped !== null;
  const parts = { keeper, queue, metrics, limits, log, token, page, allowUrls, resolve, isPublic, stopping, jobs };
  const server = httpServer(app(parts), limits);
  try {
    server.listen(port, host);
    await once(server, "listening");
  } catch (cause) {
    await keeper.stop();
    await opened?.[Symbol.asyncDispose]();
    const found = (cause as NodeJS.ErrnoException).code;
    throw new PspnetError("environment", `serve: expected to listen at ${host} port ${port}, found ${found}`, {
      cause,
    });
  }
  const stop = async () => {
    const closed = once(server, "close");
    server.close();
    const last = setTimeout(() => server.closeAllConnections(), 1000 * limits.deadline + LINGER);
    await closed;
    clearTimeout(last);
    await keeper.stop();
    await opened?.[Symbol.asyncDispose]();
    metrics[Symbol.dispose]();
    log.info("stopped");
  };
  const { port: taken } = server.address() as AddressInfo;
  const url = `http://${isIPv6(host) ? `[${host}]` : host}:${taken}/`;
  log.info({ url }, "listening");
  const stopOnce = () => {
    stopped ??= stop();
    return stopped;
  };
  return { url, stop: stopOnce, [Symbol.asyncDispose]: stopOnce };
}
