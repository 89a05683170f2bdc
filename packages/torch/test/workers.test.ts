import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { bfloat16Instructions, fastBfloat16 } from "@pspnet/torch";
import { expect, test } from "vitest";

/** Runs a module in a process of its own. */
function run(module: string) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", module], {
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

const torch = JSON.stringify(import.meta.resolve("@pspnet/torch"));
const binding = JSON.stringify(new URL("binding.js", import.meta.resolve("@pspnet/torch")));

test("what a worker lends to a run is let go without it when it has ended, whoever has its thread's number now", () => {
  const found = run(`
    import { once } from "node:events";
    import { Worker } from "node:worker_threads";
    const worker = (code) => new Worker(new URL("data:text/javascript," + encodeURIComponent(\`
      import { fromBuffer, randn } from ${torch};
      import { native } from ${binding};
      import { parentPort } from "node:worker_threads";
      \${code}\`)));
    for (let round = 0; round < 6; round++) {
      const lending = worker(\`
        const plan = native().planCreate("float32", "cpu", false);
        native().planConstant(plan, 1, randn([32, 3, 3, 3]).handle, false);
        native().planConstant(plan, 3, randn([32]).handle, false);
        const attributes = { stride: 1, padding: 1, dilation: 1, groups: 1, activation: null, inputSize: [1, 3, 600, 600] };
        native().planAdd(plan, "conv2d", [0, 1, 3], 2, attributes);
        native().planFinish(plan, 0, 2);
        for (let i = 0; i < 20; i++) {
          const images = fromBuffer(new Float32Array(3 * 600 * 600), [1, 3, 600, 600]);
          native().planRun(plan, images.handle).catch(() => {});
          images.dispose();
        }
        parentPort.postMessage("lent");
      \`);
      await once(lending, "message");
      await lending.terminate();
      const next = worker(\`
        for (let i = 0; i < 300; i++) fromBuffer(Float32Array.of(i), [1]).toNumbers();
        parentPort.postMessage("done");
        parentPort.once("message", () => {});
      \`);
      await once(next, "message");
      await next.terminate();
    }
    console.log("all rounds");
  `);
  expect(found).toEqual({ status: 0, stdout: "all rounds\n", stderr: "" });
});

test.each([
  [{ ONEDNN_MAX_CPU_ISA: "AVX2" }, "false"],
  [{ ONEDNN_MAX_CPU_ISA: "avx512_core" }, "false"],
])("bfloat16 is not called fast under %j", (environment, expected) => {
  const code = `import { fastBfloat16 } from ${torch}; console.log(fastBfloat16());`;
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
    encoding: "utf8",
    env: { ...process.env, ...environment },
  });
  expect(stdout.trim()).toBe(expected);
});

const cpuinfo = existsSync("/proc/cpuinfo") && process.arch === "x64" ? readFileSync("/proc/cpuinfo", "utf8") : "";

test.skipIf(cpuinfo === "" || process.env.ONEDNN_MAX_CPU_ISA)(
  "bfloat16 is called fast where its instructions are",
  () => {
    const instructions = /\bavx512_bf16\b/.test(cpuinfo);
    expect(bfloat16Instructions()).toBe(instructions);
    expect(fastBfloat16()).toBe(instructions && (!cpuinfo.includes("GenuineIntel") || /\bamx_bf16\b/.test(cpuinfo)));
  },
);
