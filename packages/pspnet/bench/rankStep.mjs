// One rank of scripts/bench/scale.ts: steps of training on random data alone, with gradients gathered for nobody, and with the other ranks;
// and what a collective costs by itself; or what bfloat16 on the wire loses. A line of JSON for each line on standard input.
//   node packages/pspnet/bench/rankStep.mjs --rank 0 --ranks 2 --store tcp://127.0.0.1:29500 [--layers 18] [--classes 150] [--size 129] [--batch 2]
//     [--dtype fp32] [--wire fp32] [--bucket 25] [--steps 5] [--network lo]
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { initialise, PSPNet, pspnetConfig } from "@pspnet/core";
import { backend, GradientReducer, gradientOverlap, init, manualSeed, ones, scope } from "@pspnet/torch";
import { createOptimiser } from "../dist/train/optimiser.js";
import { trainStep } from "../dist/train/step.js";
import { flags } from "./flags.mjs";
import { randomBatch } from "./randomBatch.mjs";
import { wireError } from "./wireError.mjs";

const { rank, ranks, store, layers, classes, size, batch, dtype, wire, bucket, steps, network } = flags({
  rank: 0,
  ranks: 1,
  store: "",
  layers: 18,
  classes: 150,
  size: 129,
  batch: 2,
  dtype: "fp32",
  wire: "fp32",
  bucket: 25,
  steps: 5,
  network: "lo",
});

const group = await init({ rank, worldSize: ranks, store });
const nobody = await init({ rank: 0, worldSize: 1, store: `tcp://127.0.0.1:${await freePort()}` });

manualSeed(rank);
const model = new PSPNet(pspnetConfig({ layers, classes }));
initialise(model, backend(), { seed: 0 });
const optimiser = createOptimiser(model, { lr: 1e-6, momentum: 0.9, weightDecay: 1e-4 });
const trained = optimiser.groups.flatMap(({ parameters }) => parameters);
const data = randomBatch({ batch, size, classes });
const options = { device: "cpu", precision: dtype, accumulate: 1, auxWeight: 0.4, classWeights: null, seed: 0 };

/** Steps over the ranks of `among`, null for this process as it is. */
async function run(among) {
  const reducer = among && new GradientReducer(among, trained, { bucketBytes: bucket * 2 ** 20, wire: wireType() });
  const world = among && {
    rank: among.rank,
    size: among.size,
    sum: (values) => among.allReduce(values),
    sharing: (work, how) => among.sharing(work, how),
  };
  const found = [];
  for (let step = 0; step < steps; step++) {
    if (among) await among.barrier();
    const before = { start: performance.now(), sums: among?.sums, bytes: interfaceBytes() };
    await trainStep(model, optimiser, data, { ...options, ...(among && { world, gradients: reducer }) });
    const seconds = (performance.now() - before.start) / 1000;
    found.push({ seconds, ...(among && collectives(among, reducer, before)) });
  }
  reducer?.dispose();
  return found;
}

function collectives({ sums }, { timings }, before) {
  const { bytes, seconds } = sums;
  return {
    timings,
    ...gradientOverlap(timings),
    sums: {
      count: sums.count - before.sums.count,
      bytes: bytes - before.sums.bytes,
      seconds: seconds - before.sums.seconds,
    },
    sent: interfaceBytes().sent - before.bytes.sent,
    received: interfaceBytes().received - before.bytes.received,
  };
}

const wireType = () => (wire === "bf16" ? "bfloat16" : "float32");

/** What went over the network's interface so far, by its own counters, in this process's network namespace. */
function interfaceBytes() {
  const line = readFileSync("/proc/net/dev", "utf8")
    .split("\n")
    .find((line) => line.trim().startsWith(`${network}:`));
  const columns = line.split(":")[1].trim().split(/\s+/).map(Number);
  return { sent: columns[8], received: columns[0] };
}

/** Collectives by themselves: seconds of a batch norm's sum over the ranks, of as small an all-reduce, and of a bucket's, with the processor's. */
async function probe() {
  const values = ones([1, 512, 1, 2]).contiguous("channelsLast");
  const state = [ones([512]), ones([512]), ones([512]), ones([512])];
  const waits = [];
  await group.barrier();
  for (let i = 0; i < 101; i++) {
    const before = group.sums.seconds;
    group.sharing(() =>
      scope(() => {
        values.batchNorm(...state, { training: true, momentum: 0.1, eps: 1e-5 });
      }),
    );
    waits.push(group.sums.seconds - before);
  }
  const sum = waits.sort((a, b) => a - b)[50];
  const few = ones([2, 512]).to({ dtype: "float64" });
  const rings = [];
  for (let i = 0; i < 101; i++) {
    const start = performance.now();
    await group.allReduce(few);
    rings.push((performance.now() - start) / 1000);
  }
  const small = rings.sort((a, b) => a - b)[50];
  const flat = ones([(bucket * 2 ** 20) / 4]).to({ dtype: wireType() });
  const times = [];
  const used = process.cpuUsage();
  for (let i = 0; i < 4; i++) {
    const start = performance.now();
    await group.allReduce(flat);
    times.push((performance.now() - start) / 1000);
  }
  const { user, system } = process.cpuUsage(used);
  times.sort((a, b) => a - b);
  const bytes = flat.shape[0] * (wire === "bf16" ? 2 : 4);
  return { sum, small, bucket: { bytes, seconds: (times[1] + times[2]) / 2, processor: (user + system) / 1e6 / 4 } };
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const WORK = {
  alone: () => run(null),
  gathered: () => run(nobody),
  together: () => run(group),
  probe,
  wireError: () => wireError(group, { size, batch }),
};

// The first steps choose how convolutions are computed.
for (let step = 0; step < 2; step++) await trainStep(model, optimiser, data, options);
console.log(JSON.stringify({ ready: true }));
for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify(await WORK[line]()));
process.exit();
