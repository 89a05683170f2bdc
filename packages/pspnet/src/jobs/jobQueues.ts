import type { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { Problem } from "../server/problem.js";
import { type JobPart, queueName } from "./jobStore.js";
import { openBullMq } from "./openRedis.js";

/** Photographs of one network that may wait for workers: what they take of Redis's memory is bounded by it. */
const MOST_WAITING = 10_000;
/** Of a photograph whose network ended, or could not be run. */
const ATTEMPTS = { attempts: 3, backoff: { type: "exponential", delay: 1000 } };
/** Seconds: long enough for whoever looks after a failure. */
const KEPT = { age: 3600 };

/** What workers are given, a queue for each network. */
export class JobQueues implements AsyncDisposable {
  readonly #queues: ReadonlyMap<string, Queue<JobPart>>;

  private constructor(queues: ReadonlyMap<string, Queue<JobPart>>) {
    this.#queues = queues;
  }

  static async open(models: readonly string[], connection: Redis): Promise<JobQueues> {
    const { Queue } = await openBullMq();
    return new JobQueues(new Map(models.map((model) => [model, new Queue<JobPart>(queueName(model), { connection })])));
  }

  /** @throws Problem 503 when too many wait. */
  async requireRoom(model: string): Promise<void> {
    const waiting = await this.#queues.get(model)!.getWaitingCount();
    if (waiting < MOST_WAITING) return;
    const detail = `expected fewer than ${MOST_WAITING} photographs that wait for workers; add workers, or send more later`;
    throw new Problem(503, detail, { "retry-after": "60" });
  }

  /** The same part twice is one. */
  async add(model: string, part: JobPart): Promise<void> {
    const jobId = `${part.id}-${part.number}`;
    await this.#queues
      .get(model)!
      .add("photograph", part, { ...ATTEMPTS, jobId, removeOnComplete: true, removeOnFail: KEPT });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.close()));
  }
}
