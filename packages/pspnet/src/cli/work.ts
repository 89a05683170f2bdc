import { once } from "node:events";
import { pino } from "pino";
import { work } from "../jobs/work.js";
import { namedWeights } from "../server/namedWeights.js";
import { type NetworkFlags, networkChoice } from "./protocolFlags.js";
import { interruptible } from "./terminal.js";

interface WorkFlags extends NetworkFlags {
  readonly jobs: string;
  readonly log: string;
}

/** Until a signal: then photographs that were taken are done first. */
export async function workUntilStopped(weights: readonly string[], flags: WorkFlags): Promise<void> {
  const log = pino({ level: flags.log }, pino.destination(2));
  const worker = await work(namedWeights(weights), { jobs: flags.jobs, network: networkChoice(flags), log });
  await interruptible(
    async (signal) => {
      if (!signal.aborted) await once(signal, "abort");
      await worker.stop();
    },
    () => log.info("stopping when what was taken is done"),
  );
}
