import { PspnetError } from "@pspnet/core";
import type { Redis } from "ioredis";

/** Tries of a command until it fails; a worker's wait for as long as it takes. */
export interface OpenRedisOptions {
  readonly retries: number | null;
}

const MEND = "npm install bullmq ioredis";

/**
 * Connects to Redis.
 *
 * @throws PspnetError "environment" where it is not reached, or what speaks to it is not installed.
 */
export async function openRedis(url: string, { retries }: OpenRedisOptions): Promise<Redis> {
  if (!/^rediss?:\/\//.test(url))
    throw new PspnetError("usage", `--jobs: expected redis://host:port or rediss://host:port, found ${url}`);
  const { Redis } = await installed(() => import("ioredis"));
  const redis = new Redis(url, { maxRetriesPerRequest: retries, lazyConnect: true });
  // Every command is told of it; without this it would end the process.
  redis.on("error", () => {});
  try {
    await redis.connect();
    return redis;
  } catch (cause) {
    redis.disconnect();
    const { host } = new URL(url);
    throw new PspnetError("environment", `Redis at ${host}: expected to reach it: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** BullMQ, where it is installed. */
export function openBullMq(): Promise<typeof import("bullmq")> {
  return installed(() => import("bullmq"));
}

async function installed<Module>(load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    const found = (cause as Error).message.split("\n")[0];
    throw new PspnetError("environment", `--jobs: expected bullmq and ioredis, found ${found}; install them: ${MEND}`, {
      cause,
    });
  }
}
