import { cudaAvailable } from "@pspnet/torch";
import { expect, test } from "vitest";
import { countRanks, rankDevice } from "./rankDevice.js";

const third = { localRank: 2 };

test.each([
  ["cpu", third, 0, "cpu"],
  ["auto", third, 0, "cpu"],
  ["auto", third, 4, "cuda:2"],
  ["cuda", third, 4, "cuda:2"],
  // Each process sees its own alone.
  ["cuda", third, 1, "cuda:0"],
  ["auto", { ...third, localSize: 4 }, 4, "cuda:2"],
  ["auto", { ...third, localSize: 4 }, 3, "cpu"],
] as const)("device=%s, %j, of %i GPUs: %s", (device, place, gpus, found) => {
  expect(rankDevice(device, place, gpus)).toBe(found);
});

test("GPUs that there are not are said so", () => {
  expect(() => rankDevice("cuda", { ...third, localSize: 4 }, 3)).toThrow(
    "device=cuda: expected a GPU for each of 4 ranks, found 3; take ranks=gpus, or device=cpu",
  );
});

test.skipIf(cudaAvailable())("nor is there one to take", () => {
  expect(() => rankDevice("cuda", third)).toThrow(/^device=cuda: expected a GPU, found none: .+; take device=cpu/);
  expect(() => countRanks("gpus")).toThrow(/^ranks=gpus: expected a GPU, found none: /);
});
