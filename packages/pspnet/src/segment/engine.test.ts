import { expect, test, vi } from "vitest";
import { openEngine } from "./engine.js";

vi.mock(import("@pspnet/torch"), async (original) => ({
  ...(await original()),
  cudaAvailable: () => true,
  gpuCount: () => 2,
}));

test("of two GPUs each can be had, and no third", () => {
  for (const device of ["cuda", "cuda:0", "cuda:1"] as const)
    expect(openEngine({ device, precision: "auto" })).toEqual({ device, precision: "bf16" });
  expect(() => openEngine({ device: "cuda:2", precision: "auto" })).toThrow(
    "device=cuda:2: expected one of 2 GPUs; take cuda:0 or device=cuda",
  );
});
