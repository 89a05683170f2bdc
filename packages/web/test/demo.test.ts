/** The demo page in headless Chromium, driven as a person would. */
import { readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { decode } from "fast-png";
import type { Page } from "playwright-core";
import { encodePng, load, makeScene, pspnetConfig, randomWeights, type Segmentation } from "pspnet";
import { serve } from "pspnet/server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chromiumPath, openChromium } from "./support/chromium.js";
import { buildPage, type OpenPage, openPage } from "./support/page.js";

const demo = new URL("../demo/", import.meta.url);
const axe = createRequire(import.meta.url).resolve("axe-core");
const TINY = randomWeights(pspnetConfig({ classes: 5, layers: 18, width: 8, headChannels: 16, aux: false }));
const [WIDTH, HEIGHT] = [400, 300];
/** Milliseconds, for machines that are busy with other tests. */
const PATIENCE = 100_000;
const CAMERA = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"];

interface Given {
  readonly name: string;
  readonly type?: string;
  readonly bytes: Uint8Array;
}

/** Has the page see an event that brings a file. */
async function bring(page: Page, event: "drop" | "paste", { name, type = "", bytes }: Given): Promise<void> {
  await page.evaluate(
    ([event, name, type, text]) => {
      const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
      const data = new DataTransfer();
      data.items.add(new File([bytes], name, { type }));
      const init = { bubbles: true, cancelable: true };
      const made =
        event === "drop"
          ? new DragEvent("drop", { ...init, dataTransfer: data })
          : new ClipboardEvent("paste", { ...init, clipboardData: data });
      document.body.dispatchEvent(made);
    },
    [event, name, type, Buffer.from(bytes).toString("base64")] as const,
  );
}

/** Resolves when what was begun is done, to the line that says how it went. */
async function done(page: Page, name: string): Promise<string> {
  await page.getByRole("img", { name: new RegExp(`^${name}, `) }).waitFor();
  return page.locator("#speed").innerText();
}

const classes = (page: Page) => page.getByRole("list", { name: "Classes" }).getByRole("button");

async function saved(page: Page, name: string): Promise<Uint8Array> {
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name }).click()]);
  return readFile(await download.path());
}

describe.skipIf(chromiumPath === undefined)("the demo page", () => {
  let opened: OpenPage;
  let page: Page;
  let photograph: Given;
  let expected: Segmentation;
  beforeAll(async () => {
    const { image } = makeScene({ width: WIDTH, height: HEIGHT, seed: 11, index: 0 });
    photograph = { name: "mine.png", type: "image/png", bytes: await encodePng(image) };
    const net = await load(undefined, { runtime: "onnx", threads: 1 });
    expected = await net.segment(image, { baseSize: 321 });
    await net.dispose();
    opened = await openPage(demo, { mode: "production", args: CAMERA });
    page = opened.page;
    page.setDefaultTimeout(PATIENCE);
  });
  afterAll(() => opened?.close());

  test("a made scene is segmented at once, and what did it is told", async () => {
    const words = /^640 × 480 in [\d.]+ m?s on WebAssembly, \d threads?$/;
    expect(await done(page, "Street")).toMatch(words);
    const facts = await page.getByRole("region", { name: "Network" }).innerText();
    expect(facts).toMatch(/scenes\s+Knows\s+16 classes[\s\S]*WebAssembly, \d threads? \(.*WebGPU/);
  });

  test("a dropped picture: its classes are Node's, are named under the pointer, and shown alone", async () => {
    await bring(page, "drop", photograph);
    await done(page, "mine.png");
    const { areas, labels, classes: list } = expected;
    const names = await classes(page).locator(".name").allInnerTexts();
    expect(names).toEqual(areas.map(({ name }) => name));

    const box = (await page.locator("#frame").boundingBox())!;
    const [x, y] = [WIDTH - 20, HEIGHT - 20];
    const at = { x: (x / WIDTH) * box.width, y: (y / HEIGHT) * box.height };
    const name = list.names[labels.data[y * WIDTH + x]];
    await page.mouse.move(box.x + at.x, box.y + at.y);
    expect(await page.locator("#tip").innerText()).toMatch(new RegExp(`^${name}, [\\d.]+ %$`));

    const colours = () =>
      page.evaluate(() => {
        const canvas = document.querySelector<HTMLCanvasElement>("#colours")!;
        const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
        return new Set(new Uint32Array(data.buffer)).size;
      });
    expect(await colours()).toBe(areas.length);
    await page.mouse.click(box.x + at.x, box.y + at.y);
    const row = page.getByRole("button", { name: new RegExp(`^${name} `), pressed: true });
    expect(await row.count()).toBe(1);
    expect(await colours()).toBe(2);
    await page.keyboard.press("Escape");
    expect(await row.count()).toBe(0);
    await classes(page).first().press("Enter");
    expect(await colours()).toBe(2);
    await page.getByRole("button", { name: "Show all" }).click();
    await page.mouse.move(0, 0);
    expect(await colours()).toBe(areas.length);
  });

  test("before and after, the strength of the colours, and the files that are saved", async () => {
    const clip = () => page.evaluate(() => getComputedStyle(document.querySelector("#colours")!).clipPath);
    await page.getByRole("slider", { name: "Before and after" }).press("PageUp");
    expect(await clip()).toBe("inset(0px 0px 0px 10%)");
    await page.getByRole("slider", { name: "Colour" }).fill("100");

    const mask = decode(await saved(page, "Save mask"));
    expect([mask.width, mask.height, mask.palette]).toEqual([WIDTH, HEIGHT, expected.classes.palette]);
    const same = expected.labels.data.filter((label, i) => label === mask.data[i]).length;
    expect(same / expected.labels.data.length).toBeGreaterThanOrEqual(0.9999);

    const overlay = decode(await saved(page, "Save overlay"));
    expect([overlay.width, overlay.height]).toEqual([WIDTH, HEIGHT]);
    expect([...overlay.data.subarray(0, 3)]).toEqual(expected.classes.palette[mask.data[0]]);
  });

  test("what is no picture says so and changes nothing; one that is pasted is taken, and weights of one's own", async () => {
    const alert = page.getByRole("alert");
    const bytes = new TextEncoder().encode("no picture");
    await bring(page, "drop", { name: "notes.txt", type: "text/plain", bytes });
    expect(await alert.innerText()).toMatch(/^notes.txt: expected a picture, or weights .*, found text\/plain/);
    await bring(page, "drop", { name: "torn.png", type: "image/png", bytes: photograph.bytes.subarray(0, 60) });
    await alert.getByText(/^torn.png: expected a picture that this browser can decode/).waitFor();
    await bring(page, "drop", { name: "mine.safetensors", bytes });
    await alert.getByText(/^mine.safetensors: /).waitFor();
    expect(await classes(page).count()).toBe(expected.areas.length);

    await bring(page, "paste", { ...photograph, name: "pasted.png" });
    await done(page, "pasted.png");
    expect(await alert.count()).toBe(0);
    await bring(page, "drop", { name: "tiny.safetensors", bytes: TINY });
    await page.getByRole("region", { name: "Network" }).getByText("tiny.safetensors").waitFor();
    await classes(page)
      .getByText(/^class \d/)
      .first()
      .waitFor();
  });

  test("work that takes long is stopped, and the next begins afresh", async () => {
    await page.getByRole("combobox", { name: "Looks at" }).selectOption("every");
    const { image } = makeScene({ width: 1200, height: 900, seed: 1, index: 1 });
    await bring(page, "drop", { name: "large.png", type: "image/png", bytes: await encodePng(image) });
    await page
      .getByRole("status")
      .getByText(/^Looking at window/)
      .waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByRole("alert").getByText("Stopped.").waitFor();
    expect(await page.getByRole("progressbar").count()).toBe(0);
    await page.getByRole("combobox", { name: "Looks at" }).selectOption("quick");
    expect(await done(page, "large.png")).toContain("1200 × 900");
  });

  test("the camera is segmented frame by frame until it is switched off", async () => {
    const camera = page.getByRole("button", { name: "Camera" });
    await camera.click();
    await done(page, "Camera");
    expect(await camera.getAttribute("aria-pressed")).toBe("true");
    await camera.click();
    await page.getByRole("button", { name: "Camera", pressed: false }).waitFor();
    await page
      .getByRole("status")
      .getByText(/^(One class|\d+ classes)\./)
      .waitFor();
  });

  test.each([
    ["desktop", "light", 1280],
    ["desktop", "dark", 1280],
    ["phone", "light", 390],
  ] as const)("axe finds nothing to complain of: %s, %s", async (_, colorScheme, width) => {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme });
    // Its own policy lets no code in.
    await page
      .context()
      .newCDPSession(page)
      .then((session) => session.send("Page.setBypassCSP", { enabled: true }));
    await page.evaluate(await readFile(axe, "utf8"));
    const found = await page.evaluate(async () => {
      const { violations } = await (window as unknown as { axe: typeof import("axe-core") }).axe.run();
      const wide = document.documentElement.scrollWidth - innerWidth;
      return { wide, violations: violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)]) };
    });
    expect(found).toEqual({ wide: 0, violations: [] });
  });

  test("as `pspnet serve` shows it, it asks the server, or the browser, as one chooses", async () => {
    const folder = await buildPage(demo, { mode: "served" });
    const token = "secret";
    const network = { runtime: "onnx", threads: 1 } as const;
    const server = await serve([{ name: "scenes", weights: "scenes" }], { port: 0, page: folder, network, token });
    const browser = await openChromium();
    try {
      const page = await browser.newPage();
      page.setDefaultTimeout(PATIENCE);
      const elsewhere: string[] = [];
      page.on("request", (request) => !request.url().startsWith(server.url) && elsewhere.push(request.url()));
      await page.goto(server.url);
      await page.getByLabel("The server wants its token").fill(token);
      await page.getByRole("button", { name: "Unlock" }).click();
      await page.getByText(/^640 × 480 in .* on this server, onnx$/).waitFor();
      await page.getByRole("radio", { name: "in this browser" }).check();
      await page.getByText(/^640 × 480 in .* on WebAssembly/).waitFor();
      expect(elsewhere.filter((url) => !/^(data|blob):/.test(url))).toEqual([]);
    } finally {
      await browser.close();
      await server.stop();
      await rm(folder, { recursive: true });
    }
  });

  test("nothing of all this asked anybody else, nor broke the page's policy", () => {
    expect(opened.complaints).toEqual([]);
  });
});
