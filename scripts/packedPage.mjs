// What a user of @pspnet/web sees, from what npm's registry would get: makes the packages, installs them in an empty folder, builds
// examples/browser there with Vite, and segments a drawn scene in headless Chromium. Needs npm's registry and Chromium (or CHROMIUM=path).
//   node scripts/packedPage.mjs
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { encodePng, makeScene, pspnetConfig, randomWeights } from "pspnet";
import { build, preview } from "vite";
import { makeTarballs } from "./pack.mjs";

const example = join(dirname(fileURLToPath(import.meta.url)), "..", "examples", "browser");

const folder = mkdtempSync(join(tmpdir(), "pspnet-page-"));
try {
  const tarballs = await makeTarballs({ out: folder, packages: ["checkpoints", "core", "web"] });
  writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
  const args = ["install", "--no-audit", "--no-fund", "--ignore-scripts", ...tarballs];
  const { status } = spawnSync("npm", args, { cwd: folder, stdio: ["ignore", "inherit", "inherit"] });
  if (status !== 0) throw new Error(`npm install ended with ${status}`);
  for (const file of readdirSync(example)) copyFileSync(join(example, file), join(folder, file));
  mkdirSync(join(folder, "public"));
  const { image } = makeScene({ width: 473, height: 353, seed: 1, index: 0 });
  writeFileSync(join(folder, "public", "photo.png"), await encodePng(image));
  const config = pspnetConfig({ classes: 16, layers: 18, aux: false });
  writeFileSync(join(folder, "public", "best.safetensors"), randomWeights(config));
  await build({ root: folder });
  const server = await preview({ root: folder, preview: { port: 0 } });
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage();
    const printed = new Promise((resolve, reject) => {
      page.on("console", (message) => /name: (wasm|webgpu)/.test(message.text()) && resolve(message.text()));
      page.on("pageerror", reject);
    });
    await page.goto(server.resolvedUrls.local[0]);
    console.log(await printed);
  } finally {
    await browser.close();
    await server.close();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
