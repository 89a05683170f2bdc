// Segments images in a row: how late a timer on the event loop gets, and whether memory stays flat. One JSON line.
// Between blocks of images the same timer runs while threads that do nothing but count keep every core as busy for as
// long: what it is late by then is the machine's doing.
//   node packages/pspnet/bench/responsive.mjs [--layers 50] [--classes 150] [--size 473] [--images 200] [--runtime auto]
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { liveTensors } from "@pspnet/torch";
import { load, pspnetConfig, randomWeights } from "pspnet";
import { flags } from "./flags.mjs";

const { layers, classes, size, images, runtime } = flags({
  layers: 50,
  classes: 150,
  size: 473,
  images: 200,
  runtime: "auto",
});

const INTERVAL = 10;
const BLOCK = 20;

/** Does `work` and gives how late each tick of a timer was meanwhile, in milliseconds. */
async function lateness(work) {
  const late = [];
  let timer;
  const next = () => {
    const expected = performance.now() + INTERVAL;
    timer = setTimeout(() => {
      late.push(performance.now() - expected);
      next();
    }, INTERVAL);
  };
  next();
  await work();
  clearTimeout(timer);
  return late;
}

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const net = await load(randomWeights(pspnetConfig({ layers, classes, aux: false })), { runtime });
const data = Uint8Array.from({ length: 3 * size * size }, () => 256 * Math.random());
const image = { width: size, height: size, data };
const [segmenting, counting, times, rss] = [[], [], [], []];
await net.segment(image);

async function segmentBlock() {
  for (let i = 0; i < BLOCK && times.length < images; i++) {
    const start = performance.now();
    await net.segment(image);
    times.push(performance.now() - start);
    rss.push(process.memoryUsage().rss / 2 ** 20);
  }
}

async function countFor(milliseconds) {
  const threads = Array.from({ length: availableParallelism() }, () => new Worker("for (;;);", { eval: true }));
  await sleep(100);
  counting.push(...(await lateness(() => sleep(milliseconds))));
  await Promise.all(threads.map((thread) => thread.terminate()));
}

while (times.length < images) {
  const start = performance.now();
  segmenting.push(...(await lateness(segmentBlock)));
  await countFor(performance.now() - start);
}
await net.dispose();

const round = (value) => Math.round(10 * value) / 10;
const sorted = (list) => list.toSorted((a, b) => a - b);
function summary(list) {
  const late = sorted(list);
  const at = (share) => round(late[Math.floor(share * (late.length - 1))]);
  const over10 = late.filter((value) => value > INTERVAL).length;
  return { ticks: late.length, median: at(0.5), p99: at(0.99), p999: at(0.999), most: at(1), over10 };
}
console.log(
  JSON.stringify({
    images,
    medianMs: round(sorted(times)[images >> 1]),
    lateMs: { segmenting: summary(segmenting), countingThreads: summary(counting) },
    rssMb: { after20: round(rss[Math.min(19, images - 1)]), end: round(rss.at(-1)), most: round(Math.max(...rss)) },
    liveTensors: liveTensors(),
  }),
);
