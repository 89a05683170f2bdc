import type { NamedWeights } from "../server/options.js";
import { JobQueues } from "./jobQueues.js";
import { JobStore } from "./jobStore.js";
import { openRedis } from "./openRedis.js";

export interface OpenedJobs extends AsyncDisposable {
  readonly store: JobStore;
  readonly queues: JobQueues;
}

/** Tries of a command of Redis until a request fails for it. */
const RETRIES = 2;

/** What a server keeps jobs in; throws as {@link openRedis}. */
export async function openJobs(url: string, weights: readonly NamedWeights[]): Promise<OpenedJobs> {
  const redis = await openRedis(url, { retries: RETRIES });
  const queues = await JobQueues.open(
    weights.map(({ name }) => name),
    redis,
  );
  return {
    store: new JobStore(redis),
    queues,
    async [Symbol.asyncDispose]() {
      await queues[Symbol.asyncDispose]();
      redis.disconnect();
    },
  };
}
