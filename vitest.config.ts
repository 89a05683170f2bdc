import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["packages/*/src/**/*.test.ts", "packages/*/test/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // libtorch uses every core by itself, and a process of its own keeps one suite's memory out of another's.
    pool: "forks",
    maxWorkers: 2,
  },
});
