// Whether photographs of one size are labelled faster together than one by one, in one run of a plan: milliseconds a photograph.
//   node packages/pspnet/bench/batch.mjs --layers 50 --size 473 --runs 6 [--precision fp32]
import {
  alignedSize,
  byteInput,
  networkGraph,
  optimise,
  parseWeights,
  pspnetConfig,
  randomWeights,
} from "@pspnet/core";
import { fastBfloat16, Plan } from "@pspnet/torch";
import { flags } from "./flags.mjs";

const { layers, size: side, runs, ...given } = flags({ layers: 50, size: 473, runs: 6, precision: "" });
const BATCHES = [1, 2, 4];

const precision = given.precision || (fastBfloat16() ? "bf16" : "fp32");
const weights = parseWeights(randomWeights(pspnetConfig({ classes: 150, layers, aux: false })));
const { config } = weights.description;
const plan = new Plan(optimise(networkGraph(config, weights.state)), { precision, usualSize: [side, side] });
const { height, width } = alignedSize({ height: side, width: side }, config);
const options = { ...byteInput(config.input), size: [height, width], alignCorners: config.upsampling.alignCorners };

async function milliseconds(count) {
  const photographs = Uint8Array.from({ length: 3 * count * side * side }, (_, i) => (i * 7919) % 251);
  const start = performance.now();
  await plan.labels(photographs, [count, side, side], options);
  return (performance.now() - start) / count;
}

const times = new Map(BATCHES.map((count) => [count, []]));
// A plan measures and lays out in the first runs of a size.
for (const count of [...BATCHES, ...BATCHES, ...BATCHES]) await milliseconds(count);
for (let run = 0; run < runs; run++) for (const count of BATCHES) times.get(count).push(await milliseconds(count));
for (const [count, found] of times) {
  found.sort((a, b) => a - b);
  const [best, median] = [found[0], found[runs >> 1]].map((value) => value.toFixed(1));
  console.log(`batch ${count}, ${precision}: ${median} ms, ${best} at best`);
}
plan.dispose();
