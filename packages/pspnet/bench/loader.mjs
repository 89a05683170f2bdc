// Samples that the loader makes, by second and by second of processor time: node packages/pspnet/bench/loader.mjs <dataset> [workers] [crop] [cache] [batches]
import { Loader, openDataset, validateTrainConfig } from "pspnet";

const [root, workers = "1", crop = "321", cache = "none", count = "20"] = process.argv.slice(2);
const config = validateTrainConfig(
  { data: { root }, workers: Number(workers), crop: Number(crop), cache, batch: 8 },
  "bench",
);
const loader = new Loader(await openDataset(config.data, "train"), config);

async function* endless() {
  for (let epoch = 0; ; epoch++) yield* loader.epoch(epoch);
}

let start = 0;
let used = process.cpuUsage();
let batches = 0;
for await (const batch of endless()) {
  batch.release();
  // The first ones start the threads; with a cache, the first epoch fills it.
  const warm = cache === "ram" ? loader.batches : 3;
  if (batches++ === warm) {
    start = performance.now();
    used = process.cpuUsage();
  }
  if (batches > warm + Number(count)) break;
}
const seconds = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage(used);
await loader.close();
const samples = Number(count) * config.batch;
const rate = `${(samples / seconds).toFixed(1)} samples/s, ${((samples * 1e6) / (user + system)).toFixed(1)} per core`;
console.log(`crop ${crop}, workers ${workers}, cache ${cache}: ${rate}`);
