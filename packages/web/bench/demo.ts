// The demo page on a cold cache: seconds from asking for it to the first scene under its colours, as a static build and any file server
// with the headers that let WebAssembly have threads give it, each time in a browser that is new; and what its files weigh.
//   npx tsx packages/web/bench/demo.ts [--rounds 5]
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "vite";
import { openChromium } from "../test/support/chromium.js";
import { ISOLATED, serve } from "../test/support/serve.js";

const { rounds } = parseArgs({ options: { rounds: { type: "string", default: "5" } } }).values;
const folder = await mkdtemp(join(tmpdir(), "pspnet-demo-"));
const root = fileURLToPath(new URL("../demo/", import.meta.url));
await build({ root, logLevel: "error", build: { outDir: folder, emptyOutDir: true } });
const server = await serve(folder, ISOLATED);
try {
  const found: { readonly seconds: number; readonly status: string }[] = [];
  for (let round = 0; round < Number(rounds); round++) {
    const browser = await openChromium();
    const page = await browser.newPage();
    page.setDefaultTimeout(300_000);
    await page.goto(server.origin);
    const milliseconds = await page.waitForFunction(() => document.querySelector(".class") && performance.now());
    const seconds = Number(await milliseconds.jsonValue()) / 1000;
    found.push({ seconds, status: await page.locator("#speed").innerText() });
    console.log(`${seconds.toFixed(2)} s: ${found[round].status}`);
    await browser.close();
  }
  const inOrder = found.map(({ seconds }) => seconds).sort((a, b) => a - b);
  console.log(`median ${inOrder[Math.floor(inOrder.length / 2)].toFixed(2)} s`);
  for (const name of (await readdir(folder, { recursive: true })).sort()) {
    if (!/\.\w+$/.test(name)) continue;
    const bytes = await readFile(join(folder, name));
    console.log(`${name}: ${kilobytes(bytes.length)}, gzipped ${kilobytes(gzipSync(bytes).length)}`);
  }
} finally {
  await server.close();
  await rm(folder, { recursive: true });
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`;
}
