import { once } from "node:events";
import { pino } from "pino";
import { namedWeights } from "../server/namedWeights.js";
import { serve } from "../server/serve.js";
import { type NetworkFlags, networkChoice } from "./protocolFlags.js";
import { interruptible, print } from "./terminal.js";

interface ServeFlags extends NetworkFlags {
  readonly host: string;
  readonly port: number;
  readonly queue: number;
  readonly deadline: number;
  /** MB. */
  readonly maxBody: number;
  /** Millions. */
  readonly maxPixels: number;
  readonly rate?: number;
  readonly allowUrls?: true;
  readonly jobs?: string;
  readonly log: string;
}

/** Until a signal: then requests that were taken are answered first. */
export async function serveUntilStopped(weights: readonly string[], flags: ServeFlags): Promise<void> {
  const { host, port, queue, deadline, rate = 0, allowUrls, jobs } = flags;
  const log = pino({ level: flags.log }, pino.destination(2));
  const token = process.env.PSPNET_TOKEN || null;
  // The process that decodes what is foreign needs not know it.
  delete process.env.PSPNET_TOKEN;
  if (token === null && !["127.0.0.1", "::1", "localhost"].includes(host))
    log.warn({ host }, "whoever reaches this address may ask: set PSPNET_TOKEN, or leave --host out");
  const server = await serve(namedWeights(weights), {
    host,
    port,
    queue,
    deadline,
    rate,
    allowUrls,
    jobs,
    token,
    log,
    maxBody: Math.round(flags.maxBody * 1e6),
    maxPixels: Math.round(flags.maxPixels * 1e6),
    network: networkChoice(flags),
  });
  print(`serving at ${server.url}`);
  await interruptible(
    async (signal) => {
      if (!signal.aborted) await once(signal, "abort");
      await server.stop();
    },
    () => log.info("stopping when what was asked is answered"),
  );
}
