import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { configDefaults, defineConfig } from "vitest/config";

const test = {
  testTimeout: 120_000,
  hookTimeout: 120_000,
  // A process of its own keeps one suite's memory out of another's.
  pool: "forks",
} as const;

/**
 * One thread of libtorch a suite, and of every process that it starts, and a suite on each core: the tests' networks are so small that a
 * second thread takes as much of the processor as the first and wins little.
 */
const sideBySide = {
  ...test,
  maxWorkers: availableParallelism(),
  sequence: { groupOrder: 0 },
} as const;

/**
 * As many threads as there are cores, and one suite at a time: two teams of threads that wait for each other on the same cores took up
 * to eighteen times as long as one.
 */
const alone = { ...test, maxWorkers: 1, sequence: { groupOrder: 1 } } as const;

/** What computes otherwise on several threads: kernels, plans, the compute thread and its end, a step of training. */
const threaded = [
  "packages/torch/src/**/*.test.ts",
  "packages/torch/test/{asymmetric,averagedProbabilities,lossGolden,memory,operations,training,upsampledArgmax,upsampledCrossEntropy,workers}.test.ts",
  "packages/pspnet/src/segment/torchSegmenter.test.ts",
  "packages/pspnet/test/{exit,plan,step,windowInput}.test.ts",
];

/** What computes otherwise on another processor. */
const computing = [
  "packages/torch/src/**/*.test.ts",
  "packages/torch/test/{averagedProbabilities,memory,operations,training,upsampledArgmax,upsampledCrossEntropy}.test.ts",
  "packages/pspnet/src/segment/torchSegmenter.test.ts",
  "packages/pspnet/test/{int8,operations,parity,plan,step}.test.ts",
];

const oneThread = { OMP_NUM_THREADS: "1" };

/** The same processor with fewer instructions, as others have them. */
const lesser = (name: string, env: Readonly<Record<string, string>>) => ({
  test: { ...sideBySide, name, include: computing, env: { ...oneThread, ...env } },
});

const cpuinfo = existsSync("/proc/cpuinfo") ? readFileSync("/proc/cpuinfo", "utf8") : "";
/** Whether the processor has more than AVX2, as far as is known; one that has not is its own lesser form. */
const beyondAvx2 = process.arch === "x64" && (cpuinfo === "" || /\bavx512f\b/.test(cpuinfo));
/** Whether the processor as it is takes bfloat16 by itself (`fastBfloat16` of @pspnet/torch); one that does not is its own lesser form. */
const takesBfloat16 = /\bamx_bf16\b/.test(cpuinfo) || (/AuthenticAMD/.test(cpuinfo) && /\bavx512_bf16\b/.test(cpuinfo));

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...sideBySide,
          name: "native",
          include: ["packages/*/src/**/*.test.ts", "packages/*/test/**/*.test.ts", "scripts/**/*.test.ts"],
          exclude: [...configDefaults.exclude, ...threaded],
          env: oneThread,
        },
      },
      { test: { ...alone, name: "native on all threads", include: threaded } },
      ...(beyondAvx2 ? [lesser("avx2", { ONEDNN_MAX_CPU_ISA: "AVX2", ATEN_CPU_CAPABILITY: "avx2" })] : []),
      ...(takesBfloat16 ? [lesser("avx512 without bf16", { ONEDNN_MAX_CPU_ISA: "AVX512_CORE" })] : []),
    ],
  },
});
