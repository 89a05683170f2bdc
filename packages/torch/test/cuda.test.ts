/** A GPU beside the processor, where there is one. */
import { cudaAvailable } from "@pspnet/torch";
import { expect, test } from "vitest";
import { CASES, difference } from "./support/deviceCases.js";

test.runIf(cudaAvailable()).each(CASES)("on a GPU: %s", (_, tolerance, run) => {
  expect(difference(run, "cuda")).toBeLessThanOrEqual(tolerance);
});

test.each(CASES)("there is something to compare: %s", (_, __, run) => {
  expect(difference(run, "cpu")).toBe(0);
});
