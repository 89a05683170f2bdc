/** Networks in a page of headless Chromium, built by Vite, against the same networks in Node. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { exportOnnx, networkGraph, optimise, parseWeights, pspnetConfig, randomWeights } from "@pspnet/core";
import { encodePng, load, makeScene, type Network, type SegmentOptions } from "pspnet";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chromiumPath, openChromium } from "./support/chromium.js";
import { type OpenPage, openPage } from "./support/page.js";

declare global {
  var web: typeof import("@pspnet/web");
  function base64(bytes: Uint8Array): string;
}

const R18 = randomWeights(pspnetConfig({ classes: 21, layers: 18, aux: false }), { seed: 3 });
/** For what is not about speed or rounding. */
const TINY = randomWeights(pspnetConfig({ classes: 5, layers: 18, width: 8, headChannels: 16, aux: false }), {
  seed: 4,
});
/** The network that comes with the packages, in half precision. */
const boxed = createRequire(import.meta.url).resolve("@pspnet/scenes/model.safetensors");
const scene = (width: number, height: number) => makeScene({ width, height, seed: 1, index: 0 }).image;
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

const SIZES: readonly (readonly [width: number, height: number])[] = [
  [97, 65],
  [129, 97],
  [160, 121],
];

describe.skipIf(chromiumPath === undefined)("in Chromium", () => {
  let opened: OpenPage;
  beforeAll(async () => {
    opened = await openPage(new URL("page/", import.meta.url));
    const { files } = opened.server;
    files.set("/r18.safetensors", { bytes: R18 });
    files.set("/boxed.safetensors", { bytes: await readFile(boxed) });
    files.set("/tiny.safetensors", { bytes: TINY, headers: { etag: '"1"' } });
    for (const [width, height] of SIZES)
      files.set(`/${width}x${height}.png`, { bytes: await encodePng(scene(width, height)) });
  });
  afterAll(() => opened?.close());

  /** The smallest share of the pixels of photographs, by their sizes, that the page and Node find the same in. */
  async function agreement(node: Network, weights: string, sizes: typeof SIZES, options: SegmentOptions) {
    const found = await opened.page.evaluate(
      async ([weights, sizes, options]) => {
        const net = await web.load(weights, { backend: "wasm" });
        const found: string[] = [];
        for (const [width, height] of sizes)
          found.push(base64((await net.segment(`/${width}x${height}.png`, options)).labels.data));
        await net.dispose();
        return found;
      },
      [weights, sizes, options] as const,
    );
    let least = 1;
    for (const [i, [width, height]] of sizes.entries()) {
      const labels = Buffer.from(found[i], "base64");
      const { data } = await node.labels(scene(width, height), options);
      expect(labels.length).toBe(data.length);
      expect(new Set(data).size).toBeGreaterThan(1);
      least = Math.min(least, data.filter((label, i) => label === labels[i]).length / data.length);
    }
    return least;
  }

  test("labels are Node's at three sizes, with as many threads as there are cores", async () => {
    for (const [weights, address] of [
      [R18, "/r18.safetensors"],
      [boxed, "/boxed.safetensors"],
    ] as const) {
      const node = await load(weights, { runtime: "onnx", threads: 1 });
      expect(await agreement(node, address, SIZES, {}), address).toBeGreaterThanOrEqual(0.9999);
      await node.dispose();
    }
    const backend = await opened.page.evaluate(async () => {
      const net = await web.load("/tiny.safetensors", { backend: "wasm" });
      return [crossOriginIsolated, navigator.hardwareConcurrency, net.backend] as const;
    });
    expect(backend).toEqual([true, backend[1], { name: "wasm", threads: Math.min(8, backend[1]), reason: null }]);
  });

  test("windows, scales and flips, and an ONNX file, are Node's", async () => {
    const { state, description } = parseWeights(TINY);
    const graph = optimise(networkGraph(description.config, state));
    for (const dtype of ["fp32", "fp16"] as const) {
      const { model } = exportOnnx(graph, description, { output: "logits8", dtype });
      opened.server.files.set(`/${dtype}.onnx`, { bytes: model });
    }
    const node = await load(TINY, { runtime: "onnx", threads: 1 });
    const options = { crop: 65, scales: [0.75, 1.25], flip: true };
    expect(await agreement(node, "/tiny.safetensors", [[129, 97]], options)).toBeGreaterThanOrEqual(0.9999);
    expect(await agreement(node, "/fp32.onnx", [[129, 97]], options)).toBeGreaterThanOrEqual(0.9999);
    expect(await agreement(node, "/fp16.onnx", [[129, 97]], {})).toBeGreaterThanOrEqual(0.98);
    await node.dispose();
  });

  test("a photograph is the same however it is given, and answers are typed", async () => {
    const found = await opened.page.evaluate(async () => {
      const net = await web.load("/tiny.safetensors", { backend: "wasm" });
      const img = Object.assign(new Image(), { src: "/129x97.png" });
      await img.decode();
      const blob = await (await fetch("/129x97.png")).blob();
      const canvas = Object.assign(document.createElement("canvas"), { width: 129, height: 97 });
      const context = canvas.getContext("2d")!;
      context.drawImage(img, 0, 0);
      const offscreen = new OffscreenCanvas(129, 97);
      offscreen.getContext("2d")!.drawImage(img, 0, 0);
      const pixels = context.getImageData(0, 0, 129, 97);
      const rgb = pixels.data.filter((_, i) => i % 4 !== 3);
      const given = {
        address: new URL("/129x97.png", location.href),
        blob,
        bytes: new Uint8Array(await blob.arrayBuffer()),
        img,
        canvas,
        offscreen,
        bitmap: await createImageBitmap(blob),
        frame: new VideoFrame(canvas, { timestamp: 0 }),
        pixels,
        rgb: { width: 129, height: 97, data: new Uint8Array(rgb) },
      };
      const labels: Record<string, string> = {};
      for (const [name, photograph] of Object.entries(given)) {
        const answer = net.labels(photograph);
        // What becomes of it afterwards changes nothing.
        if (name === "canvas") context.clearRect(0, 0, 129, 97);
        labels[name] = base64((await answer).data);
      }
      const { overlay, areas, colour } = await net.segment(blob);
      const shown = web.toImageData(overlay);
      const sum = areas.reduce((sum, { pixels }) => sum + pixels, 0);
      return { labels, sum, sizes: [colour.data.length, shown.width, shown.height, shown.data[3]] };
    });
    const node = await load(TINY, { runtime: "onnx", threads: 1 });
    const { data } = await node.labels(scene(129, 97));
    await node.dispose();
    expect(new Set(Object.values(found.labels)).size).toBe(1);
    expect(found.labels.rgb).toBe(Buffer.from(data).toString("base64"));
    expect(found.sum).toBe(129 * 97);
    expect(found.sizes).toEqual([3 * 129 * 97, 129, 97, 255]);
  });

  test("weights are downloaded once, again when the server has others, and checked against their hash", async () => {
    const { files, requests } = opened.server;
    /** What the page asks for and hears when it loads weights. */
    const loaded = async (options: { readonly sha256?: string; readonly cache?: boolean } = {}) => {
      requests.length = 0;
      const heard = await opened.page.evaluate(async (options) => {
        const heard: { loaded: number; total?: number; cached: boolean }[] = [];
        const net = await web.load("/kept.safetensors", {
          backend: "wasm",
          onDownload: (news) => heard.push(news),
          ...options,
        });
        await net.dispose();
        return [
          heard.at(-1)!,
          heard.length > 0 && heard.every(({ loaded }, i) => i === 0 || loaded > heard[i - 1].loaded),
        ];
      }, options);
      return { heard, asked: requests.filter((request) => request.endsWith("kept.safetensors")) };
    };
    const total = TINY.length;
    files.set("/kept.safetensors", { bytes: TINY, headers: { etag: '"1"' } });
    expect(await loaded()).toEqual({
      heard: [{ loaded: total, total, cached: false }, true],
      asked: ["GET /kept.safetensors"],
    });
    expect(await loaded()).toEqual({
      heard: [{ loaded: total, total, cached: true }, true],
      asked: ["HEAD /kept.safetensors"],
    });
    expect((await loaded({ sha256: sha256(TINY).toUpperCase() })).asked).toEqual([]);
    expect((await loaded({ cache: false })).asked).toEqual(["GET /kept.safetensors"]);
    files.set("/kept.safetensors", { bytes: TINY, headers: { etag: '"2"' } });
    expect((await loaded()).asked).toEqual(["HEAD /kept.safetensors", "GET /kept.safetensors"]);
    await expect(loaded({ sha256: "0".repeat(64) })).rejects.toThrow(
      `kept.safetensors: expected a file of SHA-256 ${"0".repeat(64)}, found ${sha256(TINY)}`,
    );
    await opened.page.evaluate(async () => {
      const cache = await caches.open("pspnet-weights");
      const [request] = (await cache.keys()).filter(({ url }) => url.endsWith("kept.safetensors"));
      const { headers } = (await cache.match(request))!;
      await cache.put(request, new Response("torn", { headers }));
    });
    expect((await loaded()).asked).toEqual(["HEAD /kept.safetensors", "GET /kept.safetensors"]);
    await opened.page.evaluate(() => web.clearWeights());
    expect((await loaded()).asked).toEqual(["GET /kept.safetensors"]);
  });

  test("a signal ends the work before its next window, or the loading; what was disposed of says so", async () => {
    const found = await opened.page.evaluate(async () => {
      const message = (work: Promise<unknown>) =>
        work.then(
          () => "nothing",
          (error) => `${error.code ?? ""} ${error.message}`,
        );
      const net = await web.load("/tiny.safetensors", { backend: "wasm" });
      const controller = new AbortController();
      const progress: number[] = [];
      const onProgress = ({ done, total }: { done: number; total?: number }) => {
        progress.push(done, total!);
        controller.abort(new Error("enough"));
      };
      const options = { crop: 33, scales: [1, 2], signal: controller.signal, onProgress };
      const aborted = await message(net.segment("/129x97.png", options));
      const after = (await net.labels("/129x97.png")).data.length;
      await Promise.all([net.dispose(), net.dispose()]);
      const loading = new AbortController();
      const load = message(web.load("/r18.safetensors", { signal: loading.signal }));
      loading.abort(new Error("no more"));
      return { aborted, progress, after, disposed: await message(net.labels("/129x97.png")), load: await load };
    });
    expect(found).toMatchObject({ aborted: " enough", after: 129 * 97, load: " no more" });
    expect(found.disposed).toMatch(/^usage Network: expected one in use/);
    expect(found.progress.length).toBeGreaterThan(0);
    expect(found.progress.at(-2)).toBeLessThan(found.progress.at(-1)! / 2);
  });

  test("errors say what was expected, what was found, and the mend", async () => {
    const { state, description } = parseWeights(TINY);
    const graph = optimise(networkGraph(description.config, state));
    const { files } = opened.server;
    files.set("/page.safetensors", { bytes: Buffer.from("<!doctype html>"), headers: { "content-type": "text/html" } });
    files.set("/text.safetensors", { bytes: Buffer.from("no weights at all, just a few words of text") });
    files.set("/labels.onnx", { bytes: exportOnnx(graph, description, { output: "labels" }).model });
    const messages = await opened.page.evaluate(async () => {
      const message = (work: Promise<unknown>) =>
        work.then(
          () => "nothing",
          (error) => `${error.code} ${error.message}`,
        );
      const wasm = { backend: "wasm" } as const;
      const net = await web.load("/tiny.safetensors", wasm);
      return Promise.all([
        message(web.load("/nowhere.safetensors", wasm)),
        message(web.load("/page.safetensors", wasm)),
        message(web.load("/text.safetensors", wasm)),
        message(web.load(new File(["{}"], "mine.safetensors"), wasm)),
        message(web.load("/labels.onnx", wasm)),
        message(web.load(7 as never, wasm)),
        message(web.load("/tiny.safetensors", { backend: "cuda" as never })),
        message(web.load("/tiny.safetensors", { threads: -1 })),
        message(net.segment(new Blob(["no picture"]))),
        message(net.segment("/nowhere.png")),
        message(net.segment(document.createElement("video"))),
        message(net.segment(null as never)),
        message(net.segment({ width: 2, height: 2, data: new Uint8Array(16) })),
      ]);
    });
    const expected = [
      /^usage .*nowhere.safetensors: expected weights, found status 404; check the address/,
      /^usage .*page.safetensors: expected weights, found an HTML page; check the address/,
      /^format \/text.safetensors: /,
      /^format mine.safetensors: /,
      /^weights model: expected image, float32 \[n, channels, h, w\] of any size, to logits8, found .* to labels; export it with/,
      /^usage weights: expected the address, the file \(Blob\) or the bytes .*, found 7/,
      /^usage load: backend: expected one of auto, webgpu, wasm, found "?cuda"?/,
      /^usage load: threads: expected a whole number/,
      /^data image: expected a photograph that the browser can decode: /,
      /^usage .*nowhere.png: expected a photograph, found status 404/,
      /^data image: expected a photograph that is loaded and shows something: /,
      /^usage segment: expected an address, a file .*, found null/,
      /^data image: expected 3 \* height \* width bytes of RGB, found 16 for 2x2/,
    ];
    for (const [i, message] of messages.entries()) expect(message).toMatch(expected[i]);
  });

  test("without cross-origin isolation there is one thread; where WebGPU does not start WebAssembly is taken, and says why", async () => {
    const html = await readFile(join(opened.folder, "index.html"));
    const headers = { "cross-origin-opener-policy": "unsafe-none", "cross-origin-embedder-policy": "unsafe-none" };
    opened.server.files.set("/plain.html", { bytes: html, headers });
    const page = await opened.browser.newPage();
    await page.goto(`${opened.server.origin}plain.html`);
    const found = await page.evaluate(async () => {
      const net = await web.load("/tiny.safetensors", { backend: "wasm", threads: 4 });
      const labels = (await net.labels("/129x97.png")).data.length;
      // A graphics processor that the page sees, and no worker.
      Object.defineProperty(navigator, "gpu", { value: { requestAdapter: async () => ({}) } });
      const auto = await web.load("/tiny.safetensors");
      const same = (await auto.labels("/129x97.png")).data.length;
      const asked = await web.load("/tiny.safetensors", { backend: "webgpu" }).catch(({ code }) => code);
      return { labels, same, asked, one: net.backend, auto: auto.backend };
    });
    await page.close();
    expect(found).toMatchObject({ labels: 129 * 97, same: 129 * 97, asked: "environment" });
    expect(found.one).toEqual({ name: "wasm", threads: 1, reason: null });
    expect(found.auto).toEqual({ name: "wasm", threads: 1, reason: expect.stringMatching(/onnxruntime-web: .*/) });
  });

  test("labels on WebGPU are Node's, where Chromium has a graphics processor in software", {
    timeout: 600_000,
  }, async ({ skip }) => {
    skip(!process.env.PSPNET_WEBGPU, "minutes: PSPNET_WEBGPU=1 has it run");
    const browser = await openChromium(["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"]);
    try {
      const page = await browser.newPage();
      await page.goto(opened.server.origin);
      const adapter = await page.evaluate(async () => {
        const { gpu } = navigator as { readonly gpu?: { requestAdapter(): Promise<object | null> } };
        return Boolean(await gpu?.requestAdapter());
      });
      skip(!adapter, "no adapter");
      const found = await page.evaluate(async () => {
        const net = await web.load("/tiny.safetensors");
        const { data } = await net.labels("/129x97.png", { crop: 65, flip: true });
        return [net.backend, base64(data)] as const;
      });
      expect(found[0]).toMatchObject({ name: "webgpu", reason: null });
      const node = await load(TINY, { runtime: "onnx", threads: 1 });
      const { data } = await node.labels(scene(129, 97), { crop: 65, flip: true });
      await node.dispose();
      const labels = Buffer.from(found[1], "base64");
      expect(data.filter((label, i) => label === labels[i]).length / data.length).toBeGreaterThanOrEqual(0.9999);
    } finally {
      await browser.close();
    }
  });

  test("examples/browser, five lines and a Vite page, shows an overlay", async () => {
    const example = await openPage(new URL("../../../examples/browser/", import.meta.url));
    try {
      example.server.files.set("/best.safetensors", { bytes: TINY });
      example.server.files.set("/photo.png", { bytes: await encodePng(scene(129, 97)) });
      const printed = example.page.waitForEvent("console", (message) => message.text().startsWith("class "));
      await example.page.reload();
      expect((await printed).text()).toMatch(/^class \d/);
      const shown = await example.page.evaluate(() => {
        const { width, height } = document.querySelector("canvas")!;
        return [width, height];
      });
      expect(shown).toEqual([129, 97]);
      expect(example.complaints).toEqual([]);
    } finally {
      await example.close();
    }
  });

  test("nothing of all this asked anybody else, nor broke the page's policy", () => {
    expect(opened.complaints).toEqual([]);
  });
});
