import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, type Rolldown } from "vite";
import { expect, test } from "vitest";

const LIMIT = 60_000;

/** The scripts of a page that Vite builds, without onnxruntime-web, gzipped: bytes by their names. */
async function scripts(root: URL): Promise<Record<string, number>> {
  const external = /^onnxruntime-web/;
  const { output } = (await build({
    root: fileURLToPath(root),
    configFile: false,
    logLevel: "error",
    worker: { format: "es", rolldownOptions: { external } },
    build: { write: false, target: "es2022" },
  })) as Rolldown.RolldownOutput;
  const sizes = output
    .filter(({ fileName }) => fileName.endsWith(".js"))
    .map((file) => [
      /(\w+)-[^/]*$/.exec(file.fileName)![1],
      gzipSync(file.type === "chunk" ? file.code : file.source).length,
    ]);
  return Object.fromEntries(sizes);
}

test("a page and its worker load at most 60 kB of this project's code, gzipped", async () => {
  const { index, wasmWorker, webgpuWorker, ...others } = await scripts(
    new URL("../../../examples/browser/", import.meta.url),
  );
  expect(others).toEqual({});
  for (const worker of [wasmWorker, webgpuWorker]) {
    expect(worker).toBeGreaterThan(1000);
    expect(index + worker).toBeLessThan(LIMIT);
  }
});
