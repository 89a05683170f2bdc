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
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; img-src 'self' blob: data:";

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

export interface BuildOptions {
  /** Of Vite's configuration, which then is that beside the page; left out, there is none. */
  readonly mode?: string;
}

/** Builds a page with Vite as its user would, into a folder of its own. */
export async function buildPage(root: URL, { mode }: BuildOptions = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "pspnet-web-"));
  const target = { outDir: folder, emptyOutDir: true, target: "es2022", reportCompressedSize: false, minify: false };
  const config = mode === undefined ? ({ configFile: false } as const) : { mode };
  await build({ root: fileURLToPath(root), logLevel: "error", build: target, ...config });
  return folder;
}

/** Builds a page, serves it, and opens it in Chromium. */
export async function openPage(
  root: URL,
  {
    headers = ISOLATED as Readonly<Record<string, string>>,
    args = [] as readonly string[],
    ...options
  }: BuildOptions & { readonly headers?: Readonly<Record<string, string>>; readonly args?: readonly string[] } = {},
): Promise<OpenPage> {
  const folder = await buildPage(root, options);
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
