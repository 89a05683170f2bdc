// Seconds and peak memory from a photograph to labels, random weights. One JSON line.
//   node packages/pspnet/bench/segment.mjs [--layers 50] [--classes 150] [--size 473] [--precision auto] [--runtime auto] [--runs 7]
import { parseArgs } from "node:util";
import { load, pspnetConfig, randomWeights } from "pspnet";

const { values } = parseArgs({
  options: {
    layers: { type: "string", default: "50" },
    classes: { type: "string", default: "150" },
    size: { type: "string", default: "473" },
    precision: { type: "string", default: "auto" },
    runtime: { type: "string", default: "auto" },
    runs: { type: "string", default: "7" },
  },
});
const [layers, classes, size, runs] = ["layers", "classes", "size", "runs"].map((name) => Number(values[name]));

const weights = randomWeights(pspnetConfig({ layers, classes, aux: false }));
const { runtime, precision } = values;
const net = await load(weights, { runtime, precision });
const data = Uint8Array.from({ length: 3 * size * size }, () => 256 * Math.random());
const times = [];
for (let run = -2; run < runs; run++) {
  const start = performance.now();
  await net.segment({ width: size, height: size, data });
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
