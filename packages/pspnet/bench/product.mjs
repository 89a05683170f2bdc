// Seconds of what the plan is fastest at on this machine: four products of 2048x2048 matrices, one after the other. One JSON line.
//   node packages/pspnet/bench/product.mjs [--precision fp32] [--runs 5] [--turns]
import { MATRIX_PRODUCT_MACS, matrixProduct } from "../dist/bench/matrixProduct.js";
import { flags } from "./flags.mjs";
import { TURN_FLAGS, takeTurns } from "./turns.mjs";

const { precision, ...turns } = flags({ precision: "fp32", ...TURN_FLAGS });
const run = await matrixProduct({ runtime: "torch", precision, threads: 0 });
await takeTurns(run, { ...turns, about: { engine: "pspnet on torch", precision, macs: MATRIX_PRODUCT_MACS } });
