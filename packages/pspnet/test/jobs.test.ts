import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { decode } from "fast-png";
import { encodePng, load, makeScene, pspnetConfig, randomWeights } from "pspnet";
import { type JobJson, type PspnetServer, serve, work } from "pspnet/server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasRedis, type RedisServer, redisServer } from "./support/redisServer.js";

const COUNT = 40;

let folder: string;
let weights: string;
let redis: RedisServer;
let server: PspnetServer;
const photographs: Uint8Array[] = [];
const expected: Uint8Array[] = [];

const network = { threads: 1, precision: "fp32" } as const;

async function startAll(): Promise<void> {
  redis = await redisServer();
  server = await serve([{ name: "net", weights }], { port: 0, network, jobs: redis.url });
  const net = await load(weights, network);
  for (let index = 0; index < 5; index++) {
    const { image } = makeScene({ width: 60 + index, height: 40, seed: 3, index });
    photographs.push(await encodePng(image));
    expected.push((await net.labels(image)).data);
  }
  await net.dispose();
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pspnet-jobs-"));
  weights = join(folder, "net.safetensors");
  const config = pspnetConfig({ classes: 12, layers: 18, width: 8, headChannels: 32, aux: false });
  await writeFile(weights, randomWeights(config, { seed: 5 }));
  if (hasRedis) await startAll();
});
afterAll(async () => {
  await server?.stop();
  await redis?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const ask = (path: string, init: RequestInit = {}) => fetch(`${server.url}v1/jobs${path}`, init);
const made = async (body: object) =>
  (await (await ask("", { method: "POST", body: JSON.stringify(body) })).json()) as JobJson;
const status = async (id: string) => (await (await ask(`/${id}`)).json()) as JobJson;

async function finished(id: string): Promise<JobJson> {
  for (let i = 0; i < 3000; i++) {
    const job = await status(id);
    if (job.done + job.failures.length === job.photographs) return job;
    await setTimeout(20);
  }
  throw new Error("waited in vain");
}

/** A worker in a process of its own, which others take over from after two seconds. */
function workerProcess(): ChildProcess {
  const program = `import { work } from ${JSON.stringify(import.meta.resolve("pspnet/server"))};
    await work([{ name: "net", weights: ${JSON.stringify(weights)} }], {
      jobs: "${redis.url}", seconds: 2, network: { threads: 1, precision: "fp32" },
    });`;
  return spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: "inherit" });
}

describe.runIf(hasRedis)("with Redis", () => {
  test("workers killed in the middle of a job: every photograph is done, once", async () => {
    const { id } = await made({ answer: "labels" });
    const put = (number: number) =>
      ask(`/${id}/photographs/${number}`, { method: "PUT", body: photographs[number % photographs.length] });
    const first = workerProcess();
    for (let number = 0; number < COUNT; number++) expect((await put(number)).status).toBe(202);
    while ((await status(id)).done < 3) await setTimeout(10);
    first.kill("SIGKILL");
    await once(first, "exit");
    const second = workerProcess();
    // Asked again, as a client does whose connection broke.
    for (const number of [0, 7, COUNT - 1]) expect((await put(number)).status).toBe(202);
    try {
      expect(await finished(id)).toEqual({
        id,
        model: "net",
        answer: "labels",
        photographs: COUNT,
        done: COUNT,
        failures: [],
      });
    } finally {
      second.kill("SIGKILL");
    }
    for (let number = 0; number < COUNT; number++) {
      const result = await ask(`/${id}/results/${number}`);
      expect(result.headers.get("content-type")).toBe("image/png");
      const { data } = decode(new Uint8Array(await result.arrayBuffer()));
      expect(data, String(number)).toEqual(expected[number % expected.length]);
    }
    expect((await ask(`/${id}`, { method: "DELETE" })).status).toBe(204);
    for (const path of [`/${id}`, `/${id}/results/1`]) expect((await ask(path)).status).toBe(404);
  });

  test("a broken photograph fails with the reason, and stops nothing", async () => {
    await using _worker = await work([{ name: "net", weights }], { jobs: redis.url, network });
    const { id } = await made({});
    const bodies = [photographs[0], photographs[1].subarray(0, 200), photographs[2]];
    for (const [number, body] of bodies.entries())
      expect((await ask(`/${id}/photographs/${number}`, { method: "PUT", body })).status).toBe(202);
    const job = await finished(id);
    expect(job.done).toBe(2);
    expect(job.failures).toEqual([{ number: 1, detail: expect.stringContaining("expected a photograph") }]);
    const failed = await ask(`/${id}/results/1`);
    expect([failed.status, failed.headers.get("content-type")]).toEqual([422, "application/problem+json"]);
    const { width } = (await (await ask(`/${id}/results/2`)).json()) as { width: number };
    expect(width).toBe(62);
  });

  test("what is no job, no number or no question is refused", async () => {
    const { id } = await made({ model: "net", answer: "overlay" });
    const post = async (body: string) => (await ask("", { method: "POST", body })).status;
    expect([await post("{"), await post('{"answer":"text"}'), await post('{"model":"x"}')]).toEqual([400, 400, 404]);
    const put = async (path: string, body: Uint8Array) => (await ask(path, { method: "PUT", body })).status;
    const [good] = photographs;
    expect(await put(`/${id}/photographs/-1`, good)).toBe(404);
    expect(await put(`/${id}/photographs/1000000`, good)).toBe(404);
    expect(await put("/other/photographs/0", good)).toBe(404);
    expect(await put(`/${id}/photographs/0`, Buffer.from("text"))).toBe(415);
    expect(await status(id)).toMatchObject({ photographs: 0, done: 0 });
    expect((await ask(`/${id}`, { method: "PUT" })).status).toBe(405);
  });
});

test("where Redis is not reached, serve and work say so", async () => {
  const jobs = "redis://127.0.0.1:1";
  const refusal = {
    code: "environment",
    message: expect.stringMatching(/Redis at 127\.0\.0\.1:1: expected to reach it/),
  };
  await expect(serve([{ name: "net", weights }], { port: 0, jobs })).rejects.toMatchObject(refusal);
  await expect(work([{ name: "net", weights }], { jobs })).rejects.toMatchObject(refusal);
  await expect(work([{ name: "net", weights }], { jobs: "http://x" })).rejects.toMatchObject({ code: "usage" });
});
