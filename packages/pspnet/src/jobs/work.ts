import type { Worker } from "bullmq";
import { type Logger, pino } from "pino";
import { NetworkKeeper } from "../server/networkKeeper.js";
import { LIMITS, type NamedWeights, type ServedNetworkOptions } from "../server/options.js";
import { type JobPart, JobStore, queueName } from "./jobStore.js";
import { openBullMq, openRedis } from "./openRedis.js";

export interface WorkOptions {
  /** Where jobs are: redis://host:port. */
  readonly jobs: string;
  readonly network?: ServedNetworkOptions;
  /** Of a photograph. */
  readonly maxPixels?: number;
  /** Seconds after which others take over the photographs of a worker that says nothing. */
  readonly seconds?: number;
  /** None: nothing is logged. */
  readonly log?: Logger;
}

/** A worker that runs. */
export interface PspnetWorker extends AsyncDisposable {
  /** Takes no more photographs, and ends when those that it took are done. */
  stop(): Promise<void>;
}

/** Photographs in the process of the networks, as the server has them. */
const AT_ONCE = 3;
/** Milliseconds that a photograph may take. */
const LONGEST = 600_000;
/** Workers in turn that may go down with one photograph until it counts as failed. */
const MOST_STALLED = 5;

/**
 * Works on the photographs of a server's jobs, with whatever other workers there are.
 *
 * @param weights by the names that the server knows them by.
 * @throws PspnetError "environment" where Redis is not reached, or bullmq and ioredis are not installed; what `load` throws.
 */
export async function work(
  weights: readonly NamedWeights[],
  { jobs, network = {}, maxPixels = LIMITS.maxPixels, seconds = 30, log = pino({ enabled: false }) }: WorkOptions,
): Promise<PspnetWorker> {
  const redis = await openRedis(jobs, { retries: null });
  const { UnrecoverableError, Worker } = await openBullMq();
  const keeper = await NetworkKeeper.start({
    weights,
    options: network,
    patience: 1000 * LIMITS.deadline,
    onStart: (pid) => log.info({ process: pid, models: weights.map(({ name }) => name) }, "networks run"),
    onCrash: (how, wait) => log.error({ how, wait }, "networks ended, and are started again"),
  }).catch((error) => {
    redis.disconnect();
    throw error;
  });
  const store = new JobStore(redis);
  const workOn = async (part: JobPart) => {
    const choice = await store.choice(part.id);
    const photograph = await store.photograph(part);
    // The job was removed, or another has done it.
    if (choice === null || photograph === null) return;
    const signal = AbortSignal.timeout(LONGEST);
    const found = await keeper.segment({ ...choice, photograph, maxPixels }, signal);
    if (found.kind === "refused") throw new UnrecoverableError(found.detail);
    await store.finish(part, found.body);
  };
  const settings = {
    connection: redis,
    concurrency: AT_ONCE,
    lockDuration: 1000 * seconds,
    stalledInterval: 1000 * seconds,
    maxStalledCount: MOST_STALLED,
  };
  const workers = weights.map(({ name }) => {
    const worker: Worker<JobPart> = new Worker(queueName(name), ({ data }) => workOn(data), settings);
    return worker
      .on("failed", (job, { message }) => {
        log.warn({ ...job?.data, reason: message, final: job?.finishedOn !== undefined }, "failed");
        if (job?.finishedOn) store.fail(job.data, message).catch((error) => log.error(error));
      })
      .on("completed", ({ data }) => log.info({ ...data }, "done"))
      .on("error", (error) => log.error({ reason: error.message }, "Redis"));
  });
  const stop = async () => {
    await Promise.all(workers.map((worker) => worker.close()));
    await keeper.stop();
    redis.disconnect();
    log.info("stopped");
  };
  let stopped: Promise<void> | null = null;
  const stopOnce = () => {
    stopped ??= stop();
    return stopped;
  };
  return { stop: stopOnce, [Symbol.asyncDispose]: stopOnce };
}
