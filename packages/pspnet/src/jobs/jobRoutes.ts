import { Hono } from "hono";
import { ANSWER_KINDS } from "../server/answerKind.js";
import { type PhotographOptions, photographOf } from "../server/photograph.js";
import { Problem } from "../server/problem.js";
import type { Queue } from "../server/queue.js";
import type { ServerContext, ServerEnvironment } from "../server/requestParts.js";
import { JOB_QUESTION } from "../server/schemas.js";
import type { JobQueues } from "./jobQueues.js";
import type { JobChoice, JobPart, JobStatus, JobStore } from "./jobStore.js";

export interface JobRoutesParts extends Omit<PhotographOptions, "signal"> {
  readonly store: JobStore;
  readonly queues: JobQueues;
  /** Of the server: photographs of jobs are received in places of it, too. */
  readonly queue: Queue;
  /** The networks' names. */
  readonly models: readonly string[];
}

/** Photographs of a job. */
const MOST = 1_000_000;
const QUESTION_BYTES = 10_000;

/** Large batches: a job is made, given photographs by number, looked at, and asked for results. */
export function jobRoutes(parts: JobRoutesParts): Hono<ServerEnvironment> {
  const { store, queues } = parts;
  const routes = new Hono<ServerEnvironment>();
  routes.post("/", async (c) => {
    const id = await store.create(choiceOf(await c.req.text(), parts));
    return c.json(await statusOf(id, store), 201, { location: `${c.req.path}/${id}` });
  });
  routes.get("/:id", async (c) => c.json(await statusOf(c.req.param("id"), store)));
  routes.delete("/:id", async (c) => {
    const { id } = await statusOf(c.req.param("id"), store);
    await store.remove(id);
    return c.body(null, 204);
  });
  routes.put("/:id/photographs/:number", async (c) => {
    const part = partOf(c);
    const { model } = await choiceIn(part.id, store);
    await queues.requireRoom(model);
    using _place = parts.queue.admit();
    const photograph = await photographOf(c.req.raw, { ...parts, signal: c.req.raw.signal });
    if (await store.give(part, photograph)) {
      await queues.add(model, part);
      await store.given(part);
    }
    return c.body(null, 202);
  });
  routes.get("/:id/results/:number", async (c) => {
    const part = partOf(c);
    const { answer } = await choiceIn(part.id, store);
    const result = await store.result(part);
    if (result) return new Response(new Uint8Array(result), { headers: { "content-type": ANSWER_KINDS[answer].type } });
    const failure = await store.failure(part);
    if (failure !== null) throw new Problem(422, failure);
    throw new Problem(404, `${c.req.path}: expected a result, found none yet`);
  });
  routes.onError((error) => {
    if (error instanceof Problem) throw error;
    throw new Problem(503, `expected Redis to answer, found ${error.message}`, { "retry-after": "10" });
  });
  return routes;
}

function choiceOf(body: string, { models }: JobRoutesParts): JobChoice {
  const expected = 'body: expected JSON, as {"model": "best", "answer": "labels"}';
  let json: unknown;
  try {
    json = JSON.parse(body.slice(0, QUESTION_BYTES) || "{}");
  } catch {
    throw new Problem(400, `${expected}, found other text`);
  }
  const { success, data } = JOB_QUESTION.safeParse(json);
  if (!success) throw new Problem(400, `${expected}, with nothing else`);
  const { model = models[0], answer = "json" } = data;
  if (models.includes(model)) return { model, answer };
  throw new Problem(404, `model: expected one of ${models.join(", ")}, found ${model}`);
}

function partOf(c: ServerContext): JobPart {
  const { id, number } = c.req.param() as { id: string; number: string };
  if (/^\d+$/.test(number) && Number(number) < MOST) return { id, number: Number(number) };
  throw new Problem(404, `${c.req.path}: expected a number below ${MOST}, found ${number}`);
}

async function choiceIn(id: string, store: JobStore): Promise<JobChoice> {
  return (await store.choice(id)) ?? noJob(id);
}

async function statusOf(id: string, store: JobStore): Promise<JobStatus> {
  return (await store.status(id)) ?? noJob(id);
}

function noJob(id: string): never {
  throw new Problem(404, `${id}: expected a job, found none; jobs are kept for a day`);
}
