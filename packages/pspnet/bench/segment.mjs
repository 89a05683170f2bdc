// Seconds, seconds of processor time and peak memory from a photograph to labels, random weights. One JSON line.
//   node packages/pspnet/bench/segment.mjs [--preset lextal-densenet121, or --layers 50] [--classes 150] [--size 473 or 512x683] [--precision auto] [--runtime auto] [--runs 7]
//     [--threads 0] [--crop 473] [--scales 0.75,1,1.25] [--flip]
import { load, pspnetConfig, randomWeights } from "pspnet";
import { flags } from "./flags.mjs";

const { preset, layers, classes, size, precision, runtime, runs, threads, ...protocol } = flags({
  preset: "",
  layers: 50,
  classes: 150,
  size: "473",
  precision: "auto",
  runtime: "auto",
  runs: 7,
  threads: 0,
  crop: 0,
  scales: "1",
  flip: false,
});
const [height, width = height] = size.split("x").map(Number);
const crop = protocol.crop > 0 ? protocol.crop : null;
const scales = protocol.scales.split(",").map(Number);

const network = preset ? { preset, auxiliary: { kind: "none" } } : { layers, aux: false };
const weights = randomWeights(pspnetConfig({ ...network, classes }));
const net = await load(weights, { runtime, precision, threads });
const data = Uint8Array.from({ length: 3 * height * width }, () => 256 * Math.random());
const [times, processorTimes] = [[], []];
for (let run = -2; run < runs; run++) {
  const start = performance.now();
  const used = process.cpuUsage();
  await net.segment({ width, height, data }, { crop, scales, flip: protocol.flip });
  const { user, system } = process.cpuUsage(used);
  if (run < 0) continue;
  times.push((performance.now() - start) / 1000);
  processorTimes.push((user + system) / 1e6);
}
for (const list of [times, processorTimes]) list.sort((a, b) => a - b);
console.log(
  JSON.stringify({
    engine: `pspnet on ${net.runtime}`,
    precision,
    network: preset || layers,
    size,
    median_s: times[runs >> 1],
    min_s: times[0],
    processor_s: processorTimes[runs >> 1],
    peak_rss_mb: Math.round(process.resourceUsage().maxRSS / 1024),
  }),
);
await net.dispose();
