/** Groups of real processes. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cudaAvailable, cudaProblem, type GradientTimings, init, ncclProblem } from "@pspnet/torch";
import { afterAll, describe, expect, it } from "vitest";

const script = fileURLToPath(new URL("support/rank.mjs", import.meta.url));

interface Rank {
  readonly rank: number;
  readonly size: number;
}

/** What each rank prints; null of one that was killed. */
async function run(what: string, ranks: readonly Rank[], store: string, timeout = 30): Promise<unknown[]> {
  return Promise.all(
    ranks.map(
      ({ rank, size }) =>
        new Promise((resolve) => {
          const words = [script, what, rank, size, store, timeout].map(String);
          execFile(process.execPath, words, (_, stdout) => resolve(stdout === "" ? null : JSON.parse(stdout)));
        }),
    ),
  );
}

const world = (size: number): Rank[] => Array.from({ length: size }, (_, rank) => ({ rank, size }));

async function listening(): Promise<{ readonly server: Server; readonly store: string }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return { server, store: `tcp://127.0.0.1:${port}` };
}

async function freeStore(): Promise<string> {
  const { server, store } = await listening();
  await new Promise((resolve) => server.close(resolve));
  return store;
}

/** What ranks made of their samples, and of what all of them have. */
interface Normalised {
  readonly samples: readonly (readonly number[])[];
  readonly whole: readonly (readonly number[])[];
}

const furthest = (a: readonly number[], b: readonly number[]) =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i])));

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

describe("three processes", () => {
  it("add up, send round and gather, by a TCP store", async () => {
    const expected = {
      sum: [3, 3, 6],
      least: [-5],
      most: [2],
      root: [10, 3],
      all: [0, -0, 1, -1, 2, -2],
      shape: [3, 2],
    };
    for (const found of await run("collectives", world(3), await freeStore()))
      expect(found).toEqual({ ...expected, all: [0, 0, 1, -1, 2, -2] });
  });

  it("do so by a file, which is gone afterwards", async () => {
    const folder = await mkdtemp(join(tmpdir(), "pspnet-store-"));
    folders.push(folder);
    const [one, two] = await run("collectives", world(2), `file://${folder}/store`);
    expect(one).toMatchObject({ sum: [1, 2, 4] });
    expect(two).toEqual(one);
    expect(existsSync(join(folder, "store"))).toBe(false);
  });

  it("add up gradients, whichever each of them has, and tell when each bucket was sent and was there", async () => {
    const ranks = (await run("gradients", world(3), await freeStore())) as {
      readonly found: unknown;
      readonly timings: GradientTimings;
    }[];
    const step = [[2, 2, 2, 2], [2, 2, 2], [0]];
    for (const { found, timings } of ranks) {
      expect(found).toEqual([step, step]);
      const { buckets, computed, finished } = timings;
      expect(buckets.map(({ bytes }) => bytes)).toEqual([4, 12, 16]);
      for (const { sent, done } of buckets)
        expect([0, sent, done, finished].toSorted((a, b) => a - b)).toEqual([0, sent, done, finished]);
      expect(computed).toBeGreaterThan(0);
      expect(computed).toBeLessThanOrEqual(finished);
    }
    // Rank 0 reaches no parameter: it sends once backward is over.
    expect(ranks[0].timings.buckets[0].sent).toBeGreaterThanOrEqual(ranks[0].timings.computed);
  });

  it("tell what batch norm added up", async () => {
    for (const found of await run("sums", world(2), await freeStore())) {
      const seconds = expect.any(Number);
      expect(found).toEqual({
        before: { count: 0, bytes: 0, seconds: 0 },
        after: { count: 4, bytes: 4 * 2 * 4 * 8, seconds },
      });
    }
  });

  it("normalise as one process does what no kernel is for", async () => {
    const [one] = (await run("batchNorm", world(1), await freeStore())) as [Normalised];
    const two = (await run("batchNorm", world(2), await freeStore())) as [Normalised, Normalised];
    expect(furthest(two[0].whole.flat(), one.whole.flat())).toBeLessThan(1e-12);
    expect(two[1].whole).toEqual(two[0].whole);
    // A sample has 90 values; sample i lies on rank i % 2.
    const place = (at: number) => [Math.floor(at / 90) % 2, 90 * Math.floor(at / 180) + (at % 90)] as const;
    for (const [i, values] of one.samples.entries()) {
      const found = values.map((_, at) => two[place(at)[0]].samples[i][place(at)[1]]);
      expect(furthest(found, values)).toBeLessThan(1e-12);
    }
  });

  it("name the one that was killed", async () => {
    const found = await run("killed", world(3), await freeStore());
    expect(found[1]).toBeNull();
    for (const rank of [0, 2]) expect(found[rank]).toEqual({ collective: true, lost: [1] });
  });

  it("name the one that is silent for longer than the timeout", async () => {
    const found = await run("silent", world(3), await freeStore(), 2);
    for (const rank of [0, 2]) expect(found[rank]).toEqual({ collective: true, lost: [1] });
  });

  it("name the one that holds the store and stands still", async () => {
    const found = await run("hanging", world(3), await freeStore(), 2);
    expect(found[0]).toBeNull();
    for (const rank of [1, 2]) expect(found[rank]).toEqual({ collective: true, lost: [0] });
  });
});

describe("a group that does not come about", () => {
  it("names who is missing", async () => {
    const [found] = await run("collectives", [{ rank: 0, size: 3 }], await freeStore(), 1);
    expect(found).toMatchObject({
      error: expect.stringMatching(/expected 3 ranks within 1 s, but these did not come: 1, 2$/),
    });
  });

  // Both wait for their timeout.
  it.concurrent("is told by whoever takes the world for larger", async ({ expect }) => {
    const found = await run("collectives", [...world(2).slice(0, 1), { rank: 1, size: 3 }], await freeStore(), 5);
    expect(JSON.stringify(found)).toMatch(/expected a world of (2|3) ranks as another process does, found (2|3)/);
  });

  it.concurrent("has each rank once", async ({ expect }) => {
    const found = await run("collectives", [...world(3).slice(0, 2), { rank: 1, size: 3 }], await freeStore(), 5);
    expect(JSON.stringify(found)).toMatch(/expected one process of rank 1, found two/);
  });

  it("says that its port is in use", async () => {
    const { server, store } = await listening();
    const [found] = await run("collectives", [{ rank: 0, size: 1 }], store, 1);
    server.close();
    expect(found).toMatchObject({ error: expect.stringMatching(/address already in use/) });
  });

  it("says that nobody holds its store", async () => {
    const [found] = await run("collectives", [{ rank: 1, size: 2 }], await freeStore(), 1);
    expect(found).toMatchObject({ error: expect.stringMatching(/^init: rank 1 at tcp:.*timed out/) });
  });

  it.skipIf(cudaAvailable())("says why there is no NCCL", async () => {
    expect(ncclProblem()).toBe(cudaProblem());
    const joining = init({ rank: 0, worldSize: 1, store: await freeStore(), backend: "nccl" });
    await expect(joining).rejects.toThrow(`NCCL cannot be used: ${cudaProblem()}`);
  });

  it.each(["http://a:1", "tcp://a", "file://host/path", "nowhere"])("has no store at %s", async (store) => {
    await expect(init({ rank: 0, worldSize: 1, store })).rejects.toThrow(/store: expected tcp:\/\/host:port or file/);
  });
});
