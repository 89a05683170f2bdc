// Seconds and peak memory from a photograph to labels, random weights. One JSON line.
//   node packages/pspnet/bench/segment.mjs [--layers 50] [--classes 150] [--size 473 or 512x683] [--precision auto] [--runtime auto] [--runs 7]
//     [--crop 473] [--scales 0.75,1,1.25] [--flip]
import { load, pspnetConfig, randomWeights } from "pspnet";
import { flags } from "./flags.mjs";

const { layers, classes, size, precision, runtime, runs, ...protocol } = flags({
  layers: 50,
  classes: 150,
  size: "473",
  precision: "auto",
  runtime: "auto",
  runs: 7,
  crop: 0,
  scales: "1",
  flip: false,
});
const [height, width = height] = size.split("x").map(Number);
const crop = protocol.crop > 0 ? protocol.crop : null;
const scales = protocol.scales.split(",").map(Number);

const weights = randomWeights(pspnetConfig({ layers, classes, aux: false }));
const net = await load(weights, { runtime, precision });
const data = Uint8Array.from({ length: 3 * height * width }, () => 256 * Math.random());
const times = [];
for (let run = -2; run < runs; run++) {
  const start = performance.now();
  await net.segment({ width, height, data }, { crop, scales, flip: protocol.flip });
  if (run >= 0) times.push((performance.now() - start) / 1000);
}
times.sort((a, b) => a - b);
console.log(
  JSON.stringify({
    engine: `pspnet on ${net.runtime}`,
    precision,
    layers,
    size,
    median_s: times[runs >> 1],
    min_s: times[0],
    peak_rss_mb: Math.round(process.resourceUsage().maxRSS / 1024),
  }),
);
await net.dispose();
