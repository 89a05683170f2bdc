// Seconds from pixels to labels in headless Chromium on WebAssembly: a plain export in onnxruntime-web, and @pspnet/web, in turns in one
// page, with the ratio of each turn.
//   python3 packages/web/bench/plain_export.py --reference scripts/peers/pspnet.py --layers 50 --out plain50.onnx
//   npx tsx packages/web/bench/wasm.ts plain50.onnx [--layers 50] [--threads 2] [--size 473] [--runs 5]
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { pspnetConfig, randomWeights } from "@pspnet/core";
import { openPage } from "../test/support/page.js";

declare global {
  function open(threads: number): Promise<readonly [number, number]>;
  function times(size: number, runs: number): Promise<(readonly [number, number])[]>;
}

const text = (value: string) => ({ type: "string", default: value }) as const;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { layers: text("50"), threads: text("2"), size: text("473"), runs: text("5") },
});
const [layers, threads, size, runs] = [values.layers, values.threads, values.size, values.runs].map(Number);
const { server, page, close } = await openPage(new URL("page/", import.meta.url));
try {
  server.files.set("/plain.onnx", { bytes: await readFile(positionals[0]) });
  const weights = randomWeights(pspnetConfig({ classes: 150, layers: layers as 50, aux: false }));
  server.files.set("/weights.safetensors", { bytes: weights });
  page.setDefaultTimeout(0);
  const opened = await page.evaluate((threads) => open(threads), threads);
  console.log(`opening: plain ${opened[0].toFixed(2)} s, ours ${opened[1].toFixed(2)} s`);
  const found = await page.evaluate(([size, runs]) => times(size, runs), [size, runs] as const);
  for (const [plain, ours] of found)
    console.log(`plain ${plain.toFixed(3)} s, ours ${ours.toFixed(3)} s, ratio ${(ours / plain).toFixed(3)}`);
  const ratios = found.map(([plain, ours]) => ours / plain).sort((a, b) => a - b);
  console.log(`ratio, median of ${ratios.length}: ${ratios[ratios.length >> 1].toFixed(3)}`);
} finally {
  await close();
}
