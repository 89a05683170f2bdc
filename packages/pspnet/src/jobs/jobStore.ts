import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import type { AnswerKind } from "../server/answerKind.js";

/** How a job's photographs are answered, and by which network. */
export interface JobChoice {
  readonly model: string;
  readonly answer: AnswerKind;
}

export interface JobStatus extends JobChoice {
  readonly id: string;
  /** Photographs that it was given. */
  readonly photographs: number;
  readonly done: number;
  readonly failures: readonly { readonly number: number; readonly detail: string }[];
}

/** One photograph of a job, as BullMQ's jobs name it. */
export interface JobPart {
  readonly id: string;
  readonly number: number;
}

/** Seconds that a job is kept after it was last touched. */
const KEEP = 24 * 3600;

/**
 * Jobs, their photographs and results in Redis. Whatever is done twice, by a client that asks again or a worker that takes over from
 * another, is done as if once.
 */
export class JobStore {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async create({ model, answer }: JobChoice): Promise<string> {
    const id = randomUUID();
    await this.#redis.multi().hset(key(id), { model, answer }).expire(key(id), KEEP).exec();
    return id;
  }

  /** Null for a job that there is not, or not any more. */
  async choice(id: string): Promise<JobChoice | null> {
    const { model, answer } = await this.#redis.hgetall(key(id));
    return model === undefined ? null : { model, answer: answer as AnswerKind };
  }

  async status(id: string): Promise<JobStatus | null> {
    const choice = await this.choice(id);
    if (choice === null) return null;
    const [photographs, done, failed] = await Promise.all([
      this.#redis.scard(key(id, "given")),
      this.#redis.scard(key(id, "done")),
      this.#redis.hgetall(key(id, "failed")),
    ]);
    const failures = Object.entries(failed).map(([number, detail]) => ({ number: Number(number), detail }));
    return { id, ...choice, photographs, done, failures };
  }

  /** Keeps a photograph for a worker; whether it is a new one. */
  async give({ id, number }: JobPart, photograph: Uint8Array): Promise<boolean> {
    if (await this.#redis.sismember(key(id, "given"), number)) return false;
    await this.#redis.set(key(id, "photograph", number), Buffer.from(photograph), "EX", KEEP);
    return true;
  }

  /** A worker knows of the photograph. */
  async given({ id, number }: JobPart): Promise<void> {
    const commands = this.#redis.multi().sadd(key(id, "given"), number);
    for (const name of ["given", "done", "failed"]) commands.expire(key(id, name), KEEP);
    await commands.expire(key(id), KEEP).exec();
  }

  /** Null once it has its result, and for a job that is not any more. */
  photograph({ id, number }: JobPart): Promise<Buffer | null> {
    return this.#redis.getBuffer(key(id, "photograph", number));
  }

  async finish({ id, number }: JobPart, result: Uint8Array): Promise<void> {
    await this.#redis
      .multi()
      .set(key(id, "result", number), Buffer.from(result), "EX", KEEP)
      .sadd(key(id, "done"), number)
      .expire(key(id, "done"), KEEP)
      .del(key(id, "photograph", number))
      .exec();
  }

  async fail({ id, number }: JobPart, detail: string): Promise<void> {
    await this.#redis
      .multi()
      .hset(key(id, "failed"), { [number]: detail })
      .expire(key(id, "failed"), KEEP)
      .del(key(id, "photograph", number))
      .exec();
  }

  /** Null where there is none yet. */
  result({ id, number }: JobPart): Promise<Buffer | null> {
    return this.#redis.getBuffer(key(id, "result", number));
  }

  failure({ id, number }: JobPart): Promise<string | null> {
    return this.#redis.hget(key(id, "failed"), String(number));
  }

  /** Workers leave what they have of it. */
  async remove(id: string): Promise<void> {
    const numbers = await this.#redis.smembers(key(id, "given"));
    const parts = numbers.flatMap((number) => [
      key(id, "photograph", Number(number)),
      key(id, "result", Number(number)),
    ]);
    await this.#redis.unlink(key(id), key(id, "given"), key(id, "done"), key(id, "failed"), ...parts);
  }
}

function key(id: string, ...parts: readonly (string | number)[]): string {
  return ["pspnet", "job", id, ...parts].join(":");
}

/** The name of BullMQ's queue of a network's photographs. */
export function queueName(model: string): string {
  return `pspnet-${model}`;
}
