import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BrowserContext, Page } from "playwright-core";
import { build } from "vite";
import { openChromium } from "./chromium.js";
import { ISOLATED, type Server, serve } from "./serve.js";

/** Nothing from elsewhere, and no code from text but WebAssembly's. */
const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; img-src 'self' blob: data:";

export interface OpenPage {
  readonly server: Server;
  readonly browser: BrowserContext;
  readonly page: Page;
  /** What was built. */
  readonly folder: string;
  /** Addresses elsewhere that pages asked for, and breaches of their policy. */
  readonly complaints: string[];
  close(): Promise<void>;
}

/** Builds a page with Vite as its user would, serves it, and opens it in Chromium. */
export async function openPage(
  root: URL,
  { headers = ISOLATED as Readonly<Record<string, string>>, args = [] as readonly string[] } = {},
): Promise<OpenPage> {
  const folder = await mkdtemp(join(tmpdir(), "pspnet-web-"));
  const target = { outDir: folder, emptyOutDir: true, target: "es2022", reportCompressedSize: false, minify: false };
  await build({ root: fileURLToPath(root), configFile: false, logLevel: "error", build: target });
  const server = await serve(folder, { "content-security-policy": POLICY, ...headers });
  const browser = await openChromium(args);
  const context = await browser.newContext();
  const complaints: string[] = [];
  context.on("request", (request) => {
    const url = request.url();
    if (!/^(data|blob):/.test(url) && !url.startsWith(server.origin)) complaints.push(url);
  });
  context.on("console", (message) => {
    if (/Content Security Policy/.test(message.text())) complaints.push(message.text());
  });
  const page = await context.newPage();
  await page.goto(server.origin);
  const close = async () => {
    await browser.close();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  };
  return { server, browser: context, page, folder, complaints, close };
}
