import { expect, test, vi } from "vitest";
import type { RuntimeOptions } from "../segment/openRuntime.js";
import type { AsRankOptions } from "./asRank.js";
import type { ProcessWorld } from "./processWorld.js";
import { workAsRank } from "./workAsRank.js";
import { alone } from "./world.js";

/** What ranks are to compute on, as `asRank` is told. */
const told: AsRankOptions["device"][] = [];
vi.mock(import("./asRank.js"), () => ({
  asRank: async (_, { device }, work) => {
    told.push(device);
    return work({ ...alone, device: device === "cpu" ? "cpu" : "cuda:1" } as ProcessWorld);
  },
}));

const place = { rank: 1, worldSize: 2, localRank: 1, localSize: 2, store: "tcp://localhost:1", launcher: "srun" };

test.each<readonly [asked: "auto" | "cpu" | "cuda", other: Partial<RuntimeOptions>, of: string, own: string]>([
  ["auto", {}, "auto", "cuda:1"],
  ["cuda", { runtime: "torch", precision: "bf16" }, "cuda", "cuda:1"],
  ["cpu", {}, "cpu", "cpu"],
  ["auto", { precision: "int8" }, "cpu", "auto"],
  // Which the network itself refuses.
  ["cuda", { precision: "int8" }, "cpu", "cuda"],
  ["cuda", { runtime: "onnx" }, "cpu", "cuda"],
])("with device=%s and %j ranks are given %s, and a rank's network is on %s", async (device, other, of, own) => {
  const task = { network: { runtime: "auto", precision: "auto", threads: 3, ...other, device } } as const;
  const options = { place, signal: new AbortController().signal, stream: { write() {} } };
  const found = await workAsRank(async ({ network }) => network, { task, timeout: "9s", kept: "all" }, options);
  expect(found).toEqual({ ...task.network, device: own });
  expect(told.pop()).toBe(of);
});
