import { existsSync, readFileSync } from "node:fs";
import { defineConfig } from "vitest/config";

const test = {
  testTimeout: 120_000,
  hookTimeout: 120_000,
  // A process of its own keeps one suite's memory out of another's. One at a time: libtorch uses every core by itself, and two teams of
  // threads that wait for each other on the same cores took up to eighteen times as long as one.
  pool: "forks",
  maxWorkers: 1,
} as const;

/** What computes otherwise on another processor. */
const computing = [
  "packages/torch/src/**/*.test.ts",
  "packages/torch/test/{averagedProbabilities,memory,operations,training,upsampledCrossEntropy}.test.ts",
  "packages/pspnet/src/segment/torchSegmenter.test.ts",
  "packages/pspnet/test/{load,operations,parity,plan,step,training}.test.ts",
];

/** The same processor with fewer instructions, as others have them. */
const lesser = (name: string, env: Readonly<Record<string, string>>) => ({
  test: { ...test, name, include: computing, env },
});

const cpuinfo = existsSync("/proc/cpuinfo") ? readFileSync("/proc/cpuinfo", "utf8") : "";
/** Whether the processor as it is takes bfloat16 by itself (`fastBfloat16` of @pspnet/torch); one that does not is its own lesser form. */
const takesBfloat16 = /\bamx_bf16\b/.test(cpuinfo) || (/AuthenticAMD/.test(cpuinfo) && /\bavx512_bf16\b/.test(cpuinfo));

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...test,
          name: "native",
          include: ["packages/*/src/**/*.test.ts", "packages/*/test/**/*.test.ts", "scripts/**/*.test.ts"],
        },
      },
      ...(process.arch === "x64" ? [lesser("avx2", { ONEDNN_MAX_CPU_ISA: "AVX2", ATEN_CPU_CAPABILITY: "avx2" })] : []),
      ...(takesBfloat16 ? [lesser("avx512 without bf16", { ONEDNN_MAX_CPU_ISA: "AVX512_CORE" })] : []),
    ],
  },
});
