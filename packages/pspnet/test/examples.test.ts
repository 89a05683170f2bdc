import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodePng, makeScene, pspnetConfig, randomWeights } from "pspnet";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

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

test("examples/segment.ts tells what a photograph shows, and tints it", async () => {
  const config = pspnetConfig({ classes: 3, layers: 18, width: 8, headChannels: 32, aux: false });
  await writeFile("weights.safetensors", randomWeights(config));
  await writeFile("photo.png", await encodePng(makeScene({ width: 90, height: 70, seed: 1, index: 0 }).image));
  vi.spyOn(process, "argv", "get").mockReturnValue(["node", "segment.ts", "weights.safetensors", "photo.png"]);
  const output = await run(() => import("../../../examples/segment.js"));
  expect(output).toMatch(/^class \d: [\d.]+ %/);
  expect(existsSync(join(folder, "overlay.png"))).toBe(true);
});
