/** A GPU beside the processor, where there is one. */
import { cudaAvailable } from "@pspnet/torch";
import { expect, test } from "vitest";
import { CASES, difference, outcome } from "./support/deviceCases.js";

test.runIf(cudaAvailable()).each(CASES)("on a GPU: %s", (_, tolerance, run) => {
  expect(difference(run, "cuda")).toBeLessThanOrEqual(tolerance);
});

// Tensors on `meta` have no memory: a kernel for processors that took them would bring the process down.
test.each(CASES)("away from the processor no kernel of it is taken: %s", (_, __, run) => {
  expect(outcome(run, "meta")).toMatch(/meta/i);
});
