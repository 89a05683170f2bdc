import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { decode } from "fast-png";
import { pino } from "pino";
import {
  encodePng,
  labelsOfRuns,
  load,
  makeScene,
  pspnetConfig,
  random,
  randomWeights,
  type Segmentation,
} from "pspnet";
import { type ModelsJson, type PspnetServer, type SegmentationJson, type ServeOptions, serve } from "pspnet/server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { OpenApi } from "../src/server/openApi.js";
import { pspnet } from "./support/cli.js";
import { exchange } from "./support/exchange.js";
import { blackPng, HOSTILE } from "./support/hostile.js";
import { type PhotoHosts, photoHosts } from "./support/photoHosts.js";

let folder: string;
let weights: string;
let photograph: Uint8Array;
let expected: Segmentation;
let hosts: PhotoHosts;
/** With which every request takes a while. */
const SLOW: ServeOptions["network"] = { threads: 1, scales: [2, 2.5, 3, 3.5], flip: true };
const network = { threads: 1, precision: "fp32" } as const;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pspnet-serve-"));
  weights = join(folder, "net.safetensors");
  const config = pspnetConfig({ classes: 12, layers: 18, width: 8, headChannels: 32, aux: false });
  await writeFile(weights, randomWeights(config, { seed: 5 }));
  const { image } = makeScene({ width: 123, height: 89, seed: 2, index: 0 });
  photograph = await encodePng(image);
  const net = await load(weights, network);
  expected = await net.segment(image);
  await net.dispose();
  hosts = await photoHosts(photograph);
});
afterAll(async () => {
  await hosts[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

interface Started extends PspnetServer {
  readonly logged: Record<string, unknown>[];
  /** The processes that its networks have had. */
  running(): number[];
}

const started: PspnetServer[] = [];
afterAll(async () => {
  await Promise.all(started.map((server) => server.stop()));
});

async function start(options: ServeOptions = {}, names: readonly string[] = ["net"]): Promise<Started> {
  const logged: Record<string, unknown>[] = [];
  const log = pino({}, { write: (line) => logged.push(JSON.parse(line)) });
  const networks = names.map((name) => ({ name, weights }));
  const server = await serve(networks, { port: 0, network, log, ...options });
  started.push(server);
  const running = () => logged.filter(({ msg }) => msg === "networks run").map((line) => line.process as number);
  return { ...server, logged, running };
}

/** One of no particular limits. */
let plain: Started;
beforeAll(async () => {
  const limits = { maxBody: 2_000_000, bodySeconds: 1, allowUrls: true, page: join(folder, "nowhere") };
  plain = await start({ ...limits, resolve: hosts.resolve, isPublic: hosts.isPublic });
});

const segment = ({ url }: PspnetServer, init: RequestInit = {}, query = "") =>
  fetch(`${url}v1/segment${query}`, { method: "POST", body: photograph, ...init });

const json = async <T>(response: Response) => (await response.json()) as T;
const bytes = async (response: Response) => new Uint8Array(await response.arrayBuffer());

async function problem(response: Response): Promise<{ status: number; detail: string }> {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const { type, title, status, detail } = await json<Record<"type" | "title" | "detail", string> & { status: number }>(
    response,
  );
  expect(type).toBe("about:blank");
  expect(title).toEqual(expect.any(String));
  expect(status).toBe(response.status);
  return { status, detail };
}

async function metric({ url }: PspnetServer, name: string): Promise<number> {
  const text = await (await fetch(`${url}metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
}

async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  for (let i = 0; i < 2000; i++) {
    if (await holds()) return;
    await setTimeout(5);
  }
  throw new Error("waited in vain");
}

describe("answers", () => {
  test.each([
    ["the body", (body: Uint8Array): RequestInit => ({ body: body })],
    ["its type", (body: Uint8Array): RequestInit => ({ body: body, headers: { "content-type": "image/png" } })],
    [
      "a form",
      (body: Uint8Array): RequestInit => {
        const form = new FormData();
        form.set("note", "mine");
        form.set("image", new Blob([body]), "photo.png");
        return { body: form };
      },
    ],
  ])("a photograph in %s is segmented as load does it", async (_, init) => {
    const response = await segment(plain, init(photograph));
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    const { model, width, height, areas, runs } = await json<SegmentationJson>(response);
    expect({ model, width, height, areas }).toEqual({ model: "net", width: 123, height: 89, areas: expected.areas });
    expect(labelsOfRuns(runs, { width, height })).toEqual(expected.labels);
  });

  test("Accept chooses among labels, colours and overlay", async () => {
    const ask = async (accept: string) => {
      const response = await segment(plain, { headers: { accept } });
      expect(response.status, accept).toBe(200);
      return { type: response.headers.get("content-type"), png: decode(await bytes(response)) };
    };
    for (const accept of ["image/png", "text/html, image/*;q=0.5", "image/webp, image/png; view=labels, */*;q=0.1"]) {
      const { type, png } = await ask(accept);
      expect(type).toBe("image/png");
      expect(png.data).toEqual(expected.labels.data);
      expect(png.palette!.slice(0, 12)).toEqual(expected.classes.palette.map((colour) => [...colour]));
    }
    for (const view of ["colour", "overlay"] as const) {
      const { type, png } = await ask(`image/png;view=${view}`);
      expect(type).toBe(`image/png; view=${view}`);
      expect(png.data).toEqual(expected[view].data);
    }
  });

  test("networks have names, and say what their classes are; a token guards them, not health", async () => {
    const server = await start({ token: "secret" }, ["a", "b"]);
    const get = (path: string, authorization?: string) =>
      fetch(server.url + path, authorization === undefined ? {} : { headers: { authorization } });
    for (const wrong of [undefined, "secret", "Bearer", "Bearer other", "Bearer secrets", "Basic secret"])
      expect((await get("v1/models", wrong)).status, wrong).toBe(401);
    expect(await problem(await get("metrics"))).toMatchObject({ status: 401 });
    expect((await segment(server)).status).toBe(401);
    expect((await get("healthz")).status).toBe(200);
    const headers = { authorization: "Bearer secret" };
    const { models } = await json<ModelsJson>(await get("v1/models", headers.authorization));
    expect(models.map(({ name }) => name)).toEqual(["a", "b"]);
    expect(models[0].classes).toHaveLength(12);
    expect(models[0].classes[3]).toEqual({ id: 3, name: "class 3", colour: [...expected.classes.palette[3]] });
    expect((await json<SegmentationJson>(await segment(server, { headers }))).model).toBe("a");
    expect((await json<SegmentationJson>(await segment(server, { headers }, "?model=b"))).model).toBe("b");
    expect(await problem(await segment(server, { headers }, "?model=c"))).toMatchObject({ status: 404 });
  });

  test("health, figures, the description and its page", async () => {
    const server = plain;
    for (const path of ["healthz", "readyz"]) expect((await fetch(server.url + path)).status).toBe(200);
    await (await segment(server)).arrayBuffer();
    const figures = await (await fetch(`${server.url}metrics`)).text();
    expect(figures).toContain('pspnet_requests_total{method="POST",route="/v1/segment",status="200"}');
    expect(figures).toMatch(/pspnet_segment_seconds_count\{model="net"\} [1-9]/);
    const { paths } = await json<OpenApi>(await fetch(`${server.url}openapi.json`));
    for (const [path, methods] of Object.entries(paths)) {
      for (const [method, { responses }] of Object.entries(methods)) {
        const { status } = await fetch(server.url + path.slice(1), { method: method.toUpperCase() });
        expect(Object.keys(responses), path).toContain(String(status));
        expect(await problem(await fetch(server.url + path.slice(1), { method: "PATCH" }))).toMatchObject({
          status: 405,
        });
      }
    }
    for (const path of ["", "docs"]) {
      const page = await fetch(server.url + path);
      expect(page.headers.get("content-security-policy")).toContain("default-src 'self'");
      const text = await page.text();
      expect(text).toContain("POST /v1/segment");
      expect(text).not.toMatch(/(src|href)="?(https?:)?\/\//);
    }
    expect(server.logged).toContainEqual(expect.objectContaining({ msg: "request", status: 200, model: "net" }));
  });

  test("a folder of pages is served at /, and nothing beside it", async () => {
    await mkdir(join(folder, "page", "assets"), { recursive: true });
    await writeFile(join(folder, "page", "index.html"), "<title>demo</title>");
    await writeFile(join(folder, "page", "assets", "a.wasm"), "wasm");
    await writeFile(join(folder, "secret"), "secret");
    const server = await start({ page: join(folder, "page") });
    const page = await fetch(server.url);
    expect(await page.text()).toBe("<title>demo</title>");
    expect(page.headers.get("cache-control")).toBe("no-cache");
    const wasm = await fetch(`${server.url}assets/a.wasm`);
    expect(wasm.headers.get("content-type")).toBe("application/wasm");
    expect(wasm.headers.get("cross-origin-embedder-policy")).toBe("require-corp");
    expect(wasm.headers.get("cache-control")).toMatch(/immutable/);
    for (const path of ["/../secret", "/%2e%2e/secret", "/..%2fsecret", "/assets/..%2f..%2fsecret", "/..\\secret"]) {
      const { status, text } = await exchange(server.url, [
        `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
      ]);
      expect(status, path).toBeGreaterThanOrEqual(400);
      expect(text.endsWith("secret")).toBe(false);
    }
    expect((await fetch(`${server.url}healthz`)).status).toBe(200);
  });

  test("a photograph of a public address, whose redirects are followed", async () => {
    const ask = async (host: string, path: string) =>
      segment(plain, {
        body: JSON.stringify({ url: `http://${host}:${hosts.port}${path}` }),
        headers: { "content-type": "application/json", accept: "image/png" },
      });
    for (const [host, path] of [
      ["photos.example", "/photo.png"],
      ["redirect.example", "/moved"],
      // Were it resolved twice it would lead inside.
      ["rebind.example", "/photo.png"],
    ])
      expect(decode(await bytes(await ask(host, path))).data).toEqual(expected.labels.data);
    expect(hosts.resolved.get("rebind.example")).toBe(1);
    expect(hosts.reached).toEqual([]);
  });
});

test("hostile requests are each answered with a 4xx, and the next good one is served", async () => {
  const server = plain;
  const target = { base: server.url, photograph, port: hosts.port };
  for (const [index, { name, send }] of HOSTILE.entries()) {
    const status = await send(target, random(7, index));
    expect(status, name).toBeGreaterThanOrEqual(400);
    expect(status, name).toBeLessThan(500);
    const good = await segment(server, { headers: { accept: "image/png" } });
    expect(decode(await bytes(good)).data, `after ${name}`).toEqual(expected.labels.data);
  }
  expect(hosts.reached).toEqual([]);
  expect(await metric(server, "pspnet_requests_admitted")).toBe(0);
  expect(await metric(server, "pspnet_crashes_total")).toBe(0);
});

describe("limits", () => {
  test("too many pixels and bytes are told apart from what is broken; a full queue answers 503, and when to come again", async () => {
    const server = await start({ maxPixels: 10_000, maxBody: 100_000, queue: 1 });
    expect(await problem(await segment(server))).toEqual({
      status: 413,
      detail: "image: expected at most 10000 pixels, found 89x123; make it smaller",
    });
    const small = blackPng(100, 100);
    expect((await segment(server, { body: small })).status).toBe(200);
    expect((await segment(server, { body: Buffer.alloc(100_001) })).status).toBe(413);
    expect(await problem(await segment(server, { body: small.subarray(0, 60) }))).toMatchObject({ status: 422 });
    const url = { body: '{"url":"http://photos.example/"}', headers: { "content-type": "application/json" } };
    expect(await problem(await segment(server, url))).toMatchObject({ status: 415 });

    const head = `POST /v1/segment HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${small.length}\r\n\r\n`;
    const first = exchange(server.url, [head, small.subarray(0, 20), small.subarray(20)], { wait: 300 });
    await until(async () => (await metric(server, "pspnet_requests_admitted")) === 1);
    const second = await segment(server, { body: small });
    expect(second.headers.get("retry-after")).toBe("1");
    expect(await problem(second)).toMatchObject({ status: 503 });
    expect((await first).status).toBe(200);
    expect((await segment(server, { body: small })).status).toBe(200);
  });

  test("a deadline ends requests that are worked on with 504, those that wait with 503, and networks that hang", async () => {
    const server = await start({ network: SLOW, deadline: 0.5 });
    const body = await encodePng(makeScene({ width: 600, height: 450, seed: 2, index: 0 }).image);
    const statuses = await Promise.all(Array.from({ length: 6 }, async () => (await segment(server, { body })).status));
    expect(statuses.sort()).toEqual([503, 503, 503, 504, 504, 504]);
    await until(async () => (await metric(server, "pspnet_requests_admitted")) === 0);
    await until(async () => (await fetch(`${server.url}readyz`)).status === 200);
    process.kill(server.running().at(-1)!, "SIGSTOP");
    const before = server.running().length;
    expect(await problem(await segment(server))).toMatchObject({ status: 504 });
    await until(() => server.running().length > before);
    await until(async () => (await segment(server, { body: blackPng(8, 8) })).status === 200);

    // A connection on which nothing is asked does not keep it from stopping.
    const silent = connect(Number(new URL(server.url).port), "127.0.0.1");
    await once(silent, "connect");
    await server.stop();
    silent.destroy();
  });

  test("more requests a second of one address than are allowed get 429", async () => {
    const server = await start({ rate: 0.2 });
    expect((await fetch(`${server.url}v1/models`)).status).toBe(200);
    const refused = await fetch(`${server.url}v1/models`);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await problem(refused)).toMatchObject({ status: 429 });
    expect((await fetch(`${server.url}healthz`)).status).toBe(200);
  });

  test("wrong limits and weights are refused before anything is served", async () => {
    await expect(serve([], { port: 0 })).rejects.toThrow("expected the weights");
    await expect(serve([{ name: "a", weights }], { queue: 0 })).rejects.toThrow(
      "queue: expected a whole number above 0",
    );
    const missing = [{ name: "a", weights: join(folder, "none.safetensors") }];
    await expect(serve(missing, { port: 0 })).rejects.toMatchObject({ code: "usage" });
    const { port } = new URL(plain.url);
    await expect(serve([{ name: "a", weights }], { port: Number(port) })).rejects.toThrow("found EADDRINUSE");
  });
});

describe("in the course of time", () => {
  test("networks killed in a request cost it, and nobody else; a client that leaves keeps no place; stopping loses nothing", async () => {
    const server = await start({ network: SLOW });
    const five = () => Array.from({ length: 5 }, () => segment(server));
    const admitted = () => metric(server, "pspnet_requests_admitted");
    const all = five();
    await until(async () => (await admitted()) === 5);
    process.kill(server.running()[0], "SIGKILL");
    const answers = await Promise.all(all);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 500, 500, 500]);
    for (const answer of answers) {
      if (answer.status === 500) expect((await problem(answer)).detail).toContain("is started again");
    }
    expect(server.running()).toHaveLength(2);
    expect(await metric(server, "pspnet_crashes_total")).toBe(1);

    const left = new AbortController();
    const gone = segment(server, { signal: left.signal }).catch(({ name }) => name);
    await until(async () => (await metric(server, "pspnet_requests_working")) === 1);
    left.abort();
    expect(await gone).toBe("AbortError");
    await until(async () => (await admitted()) === 0);
    expect(server.logged).toContainEqual(expect.objectContaining({ msg: "request", status: 499 }));

    const last = five();
    await until(async () => (await admitted()) === 5);
    const stopped = server.stop();
    await expect(fetch(server.url)).rejects.toThrow();
    const found = await Promise.all(last);
    expect(found.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(found.map(({ headers }) => headers.get("connection"))).toContain("close");
    await stopped;
  });

  test("networks killed while idle run again for the next request", async () => {
    process.kill(plain.running()[0], "SIGKILL");
    await until(async () => (await fetch(`${plain.url}readyz`)).status === 503);
    expect((await fetch(`${plain.url}healthz`)).status).toBe(200);
    expect((await segment(plain)).status).toBe(200);
    expect((await fetch(`${plain.url}readyz`)).status).toBe(200);
  });

  test("pspnet serve answers until SIGTERM, and then what it took", async () => {
    const answers: Promise<Response>[] = [];
    let url = "";
    const args = ["serve", `net=${weights}`, "--port", "0", "--threads", "1", "--scales", "2,2.5,3", "--flip"];
    const ended = pspnet(args, {
      onMessage: async (messages, child) => {
        const address = /"url":"(http:[^"]+)"/.exec(messages);
        if (address === null || url !== "") return;
        url = address[1];
        const server = { url } as PspnetServer;
        for (let i = 0; i < 6; i++) answers.push(segment(server, {}, "?model=net"));
        await until(async () => (await metric(server, "pspnet_requests_admitted")) === 6);
        child.kill("SIGTERM");
      },
    });
    const { code, out, err } = await ended;
    expect(err).toContain('"msg":"stopped"');
    expect(out).toBe(`serving at ${url}\n`);
    expect(code).toBe(0);
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array(6).fill(200));
  });
});
