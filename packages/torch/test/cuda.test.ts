/** A GPU beside the processor, where there is one. */
import { cudaAvailable } from "@pspnet/torch";
import { describe, expect, test } from "vitest";
import { CASES, difference, outcome } from "./support/deviceCases.js";

test.runIf(cudaAvailable()).each(CASES)("on a GPU: %s", (_, tolerance, run) => {
  expect(difference(run, "cuda")).toBeLessThanOrEqual(tolerance);
});

/** Cases with kernels of ours for processors, and what of libtorch they are made of elsewhere that refuses tensors without memory. */
const MADE_OF: readonly (readonly [cases: RegExp, operation: RegExp])[] = [
  [/^(dilated )?convolution$/, /^conv2d: convolution_overrideable not implemented/],
  [/^batch norm/, /^batchNorm(Relu)?: aten::native_batch_norm: .*Meta tensors/],
  [/^cross-entropy/, /^upsampledCrossEntropy: aten::masked_select: .*Meta tensors/],
  [/^Dice loss/, /^upsampledDice: aten::logical_not\b.*Meta tensors/],
  [/^argmax/, /^upsampledArgmax: aten::index_select: .*Meta tensors/],
];

// Tensors on `meta` have no memory. A kernel for processors that took them would find that out otherwise, or bring the process down.
describe.each(MADE_OF)("away from the processor no kernel of it is taken: %s", (cases, operation) => {
  test.each(CASES.filter(([name]) => cases.test(name)))("%s", (_, __, run) => {
    expect(outcome(run, "meta")).toMatch(operation);
  });
});
