// Segments images in a row: how late a timer on the event loop gets, and whether memory stays flat. One JSON line.
//   node packages/pspnet/bench/responsive.mjs [--layers 50] [--classes 150] [--size 473] [--images 200]
import { parseArgs } from "node:util";
import { liveTensors } from "@pspnet/torch";
import { load, pspnetConfig, randomWeights } from "pspnet";

const { values } = parseArgs({
  options: {
    layers: { type: "string", default: "50" },
    classes: { type: "string", default: "150" },
    size: { type: "string", default: "473" },
    images: { type: "string", default: "200" },
    runtime: { type: "string", default: "auto" },
  },
});
const [layers, classes, size, images] = ["layers", "classes", "size", "images"].map((name) => Number(values[name]));

const INTERVAL = 10;
const late = [];
let expected = 0;
function tick() {
  late.push(performance.now() - expected);
  next();
}
function next() {
  expected = performance.now() + INTERVAL;
  timer = setTimeout(tick, INTERVAL);
}
let timer;

const net = await load(randomWeights(pspnetConfig({ layers, classes, aux: false })), { runtime: values.runtime });
const data = Uint8Array.from({ length: 3 * size * size }, () => 256 * Math.random());
const image = { width: size, height: size, data };
const rss = [];
const times = [];
await net.segment(image);
next();
for (let i = 0; i < images; i++) {
  const start = performance.now();
  await net.segment(image);
  times.push(performance.now() - start);
  rss.push(process.memoryUsage().rss / 2 ** 20);
}
clearTimeout(timer);
await net.dispose();
late.sort((a, b) => a - b);
times.sort((a, b) => a - b);
const round = (value) => Math.round(10 * value) / 10;
console.log(
  JSON.stringify({
    images,
    medianMs: round(times[images >> 1]),
    timerLateMs: {
      median: round(late[late.length >> 1]),
      p99: round(late[Math.floor(0.99 * late.length)]),
      most: round(late.at(-1)),
    },
    rssMb: { after20: round(rss[Math.min(19, images - 1)]), end: round(rss.at(-1)) },
    liveTensors: liveTensors(),
  }),
);
