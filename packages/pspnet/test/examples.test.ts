import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { encodePng, makeScene, pspnetConfig, randomWeights } from "pspnet";
import { serve } from "pspnet/server";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { runIn } from "./support/bare.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));

let folder: string;
let before: string;
beforeEach(async () => {
  before = process.cwd();
  folder = await mkdtemp(join(tmpdir(), "pspnet-examples-"));
  process.chdir(folder);
});
afterEach(async () => {
  process.chdir(before);
  await rm(folder, { recursive: true, force: true });
  vi.restoreAllMocks();
});

/** What an example prints when it is run in an empty folder. */
async function run(load: () => Promise<unknown>): Promise<string> {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  vi.spyOn(process.stderr, "write").mockImplementation(() => true);
  await load();
  return log.mock.calls.join("\n");
}

test("examples/train.ts trains, and draws what the network sees", async () => {
  const output = await run(() => import("../../../examples/train.js"));
  expect(output).toMatch(/mIoU [\d.]+ % after 9 steps/);
  for (const file of ["report.html", "overlay.png"])
    expect(existsSync(join(folder, "runs", "example", file)), file).toBe(true);
});

test("examples/parameters.ts counts as the releases do", async () => {
  const output = await run(() => import("../../../examples/parameters.js"));
  expect(output).toMatch(/PSPNet-50 ADE20K: 49,180,908 parameters in/);
  expect(output).toMatch(/PSPNet-101 Cityscapes: 68,072,166 parameters in/);
});

test.each(["README.md", "docs/inference.md", "docs/server.md"])(
  "%s: what it shows runs as plain JavaScript on every Node served",
  async (page) => {
    const text = await readFile(join(root, page), "utf8");
    const [, program] = /```js\n([\s\S]*?)```/.exec(text)!;
    const config = pspnetConfig({ classes: 3, layers: 18, width: 8, headChannels: 32, aux: false });
    await writeFile("best.safetensors", randomWeights(config));
    for (const [index, name] of ["photo.jpg", "a.jpg", "b.jpg"].entries())
      await writeFile(name, await encodePng(makeScene({ width: 90, height: 70, seed: 1, index }).image));
    await writeFile("shown.mjs", program);
    await symlink(join(root, "node_modules"), "node_modules", "dir");
    const { code, out, err } = await runIn(folder, ["shown.mjs"]);
    expect(err).toBe("");
    expect(out).toContain("class ");
    expect(code).toBe(0);
  },
);

test("examples/segment.ts tells what a photograph shows, and tints it", async () => {
  const config = pspnetConfig({ classes: 3, layers: 18, width: 8, headChannels: 32, aux: false });
  await writeFile("weights.safetensors", randomWeights(config));
  await writeFile("photo.png", await encodePng(makeScene({ width: 90, height: 70, seed: 1, index: 0 }).image));
  vi.spyOn(process, "argv", "get").mockReturnValue(["node", "segment.ts", "weights.safetensors", "photo.png"]);
  const output = await run(() => import("../../../examples/segment.js"));
  expect(output).toMatch(/^class \d: [\d.]+ %/);
  expect(existsSync(join(folder, "overlay.png"))).toBe(true);
});

test("examples/honoRoute.ts answers what a photograph shows, and refuses what is none", async () => {
  const config = pspnetConfig({ classes: 3, layers: 18, width: 8, headChannels: 32, aux: false });
  await writeFile("weights.safetensors", randomWeights(config));
  vi.stubEnv("PORT", "0");
  vi.spyOn(process, "argv", "get").mockReturnValue(["node", "honoRoute.ts", "weights.safetensors"]);
  const { app } = await import("../../../examples/honoRoute.js");
  try {
    const body = await encodePng(makeScene({ width: 90, height: 70, seed: 1, index: 0 }).image);
    const answer = await app.request("/segment", { method: "POST", body });
    expect(await answer.json()).toContainEqual(expect.objectContaining({ name: expect.stringMatching(/^class \d$/) }));
    expect((await app.request("/segment", { method: "POST", body: "none" })).status).toBe(422);
  } finally {
    process.emit("SIGTERM");
    vi.unstubAllEnvs();
  }
});

test("examples/askServer.ts tells what a server found, and keeps the overlay", async () => {
  const config = pspnetConfig({ classes: 3, layers: 18, width: 8, headChannels: 32, aux: false });
  await writeFile("weights.safetensors", randomWeights(config));
  await writeFile("photo.png", await encodePng(makeScene({ width: 90, height: 70, seed: 1, index: 0 }).image));
  await using server = await serve([{ name: "net", weights: "weights.safetensors" }], { port: 0 });
  vi.spyOn(process, "argv", "get").mockReturnValue(["node", "askServer.ts", server.url, "photo.png"]);
  const output = await run(() => import("../../../examples/askServer.js"));
  expect(output).toMatch(/^class \d: [\d.]+ %/);
  expect(existsSync(join(folder, "overlay.png"))).toBe(true);
});
