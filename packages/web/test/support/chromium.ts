import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const PLACES = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Where Chromium is installed, or undefined. */
export const chromiumPath = PLACES.find((path) => path !== undefined && path !== "" && existsSync(path));

if (chromiumPath === undefined)
  process.stderr.write("No Chromium found: tests in a browser are skipped (apt install chromium, or CHROMIUM=path)\n");

/** Chromium without a window. Its own sandbox does not start for root, nor in containers. */
export function openChromium(args: readonly string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox", ...args] });
}
