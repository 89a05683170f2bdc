import { spawn } from "node:child_process";
import { once } from "node:events";
import type { RuntimeName } from "pspnet";
import { expect, test } from "vitest";

const segmenting = (runtime: RuntimeName) => `
  import { load, pspnetConfig, randomWeights } from "pspnet";
  const config = pspnetConfig({ layers: 50, classes: 30, width: 16, aux: false });
  const net = await load(randomWeights(config), { runtime: "${runtime}", precision: "fp32" });
  const image = { width: 473, height: 473, data: new Uint8Array(3 * 473 * 473) };
  await net.segment(image);
  for (let i = 0; i < 20; i++) net.segment(image).catch(() => {});
`;

/** Runs a module in a process of its own. */
async function run(module: string): Promise<{ readonly code: number | null; readonly errors: string }> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", module], { stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  child.stderr.on("data", (data) => {
    errors += data;
  });
  const [code] = await once(child, "close");
  return { code, errors };
}

test.each([
  ["torch", 20],
  ["torch", 60],
  ["onnx", 20],
  ["onnx", 60],
] as const)("a process that ends while %s computes, after %i ms, ends as it was told", async (runtime, delay) => {
  const found = await run(`${segmenting(runtime)} setTimeout(() => process.exit(7), ${delay});`);
  expect(found).toEqual({ code: 7, errors: "" });
});

test("a run that goes on for too long does not hold the process, which ends as it was told", async () => {
  const binding = new URL("binding.js", import.meta.resolve("@pspnet/torch"));
  // Its second convolution alone is 0.3 TMAC, and no run looks up within one.
  const found = await run(`
    import { Conv2d, initialise, Sequential } from "@pspnet/core";
    import { graphBackend, symbol, trace } from "@pspnet/core/graph";
    import { Plan } from "@pspnet/torch";
    const kernel = { kernel: 7, padding: 3 };
    const network = new Sequential(new Conv2d([3, 128], kernel), new Conv2d([128, 128], kernel)).eval();
    initialise(network, graphBackend, { seed: 0 });
    const input = { name: "image", shape: [symbol("n"), 3, symbol("h"), symbol("w")] };
    const graph = trace(network, input, (x) => ({ logits: network.forward(x) }));
    const plan = new Plan(graph, { precision: "fp32", usualSize: [600, 600] });
    const { native } = await import("${binding}");
    process.prependOnceListener("exit", () => {
      native().stopComputing(0, 7);
      console.error("the run was waited for");
    });
    const options = { table: new Float32Array(768), reversed: false, size: [600, 600], alignCorners: true };
    plan.logits(new Uint8Array(3 * 600 * 600), [1, 600, 600], options).catch(() => {});
    setTimeout(() => process.exit(7), 200);
  `);
  expect(found).toEqual({ code: 7, errors: "" });
});

test("a worker that is terminated while it computes leaves the process in order", async () => {
  const found = await run(`
    import { once } from "node:events";
    import { Worker } from "node:worker_threads";
    const code = ${JSON.stringify(`${segmenting("torch")} (await import("node:worker_threads")).parentPort.postMessage("computing");`)};
    const url = new URL("data:text/javascript," + encodeURIComponent(code.replace('"pspnet"', JSON.stringify(import.meta.resolve("pspnet")))));
    for (let i = 0; i < 2; i++) {
      const worker = new Worker(url);
      await once(worker, "message");
      await worker.terminate();
    }
    process.exitCode = 7;
  `);
  expect(found).toEqual({ code: 7, errors: "" });
});
