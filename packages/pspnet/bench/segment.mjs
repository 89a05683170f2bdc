// Seconds, seconds of processor time and peak memory from a photograph to labels, random weights. One JSON line.
//   node packages/pspnet/bench/segment.mjs [--weights file, or --preset lextal-densenet121, or --layers 50] [--classes 150] [--size 473 or 512x683] [--precision auto] [--runtime auto] [--runs 5]
//     [--threads 0] [--device auto] [--crop 473] [--scales 0.75,1,1.25] [--flip] [--turns] [--build ../another/clone]
import { built } from "./built.mjs";
import { flags } from "./flags.mjs";
import { TURN_FLAGS, takeTurns } from "./turns.mjs";

const {
  weights: file,
  preset,
  layers,
  classes,
  size,
  precision,
  runtime,
  threads,
  device,
  ...options
} = flags({
  weights: "",
  preset: "",
  layers: 50,
  classes: 150,
  size: "473",
  precision: "auto",
  runtime: "auto",
  threads: 0,
  device: "auto",
  crop: 0,
  scales: "1",
  flip: false,
  ...TURN_FLAGS,
});
const { load, pspnetConfig, randomWeights } = await built(options.build)("pspnet/dist/index.js");
const [height, width = height] = size.split("x").map(Number);
const crop = options.crop > 0 ? options.crop : null;
const protocol = { crop, scales: options.scales.split(",").map(Number), flip: options.flip };

const network = preset ? { preset, auxiliary: { kind: "none" } } : { layers, aux: false };
const net = await load(file || randomWeights(pspnetConfig({ ...network, classes })), {
  runtime,
  precision,
  threads,
  device,
});
function noise(height, width) {
  return { height, width, data: Uint8Array.from({ length: 3 * height * width }, () => 256 * Math.random()) };
}
const photograph = noise(height, width);
// Of windows one is enough to warm up with.
const first = crop ? [noise(crop, crop), { ...protocol, scales: [1] }] : [photograph, protocol];
await takeTurns(() => net.segment(photograph, protocol), {
  ...options,
  before: () => net.segment(...first),
  about: { engine: `pspnet on ${net.runtime}`, precision, network: file || preset || layers, size },
});
await net.dispose();
