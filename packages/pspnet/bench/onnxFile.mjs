// Seconds of any ONNX file in onnxruntime-node on random input [1, 3, size, size]. One JSON line.
//   node packages/pspnet/bench/onnxFile.mjs model.onnx [--size 473] [--runs 7]
import ort from "onnxruntime-node";
import { flags } from "./flags.mjs";

const { size, runs, positionals } = flags({ size: 473, runs: 7 });

const session = await ort.InferenceSession.create(positionals[0]);
const data = Float32Array.from({ length: 3 * size * size }, () => 2 * Math.random() - 1);
const feeds = { [session.inputNames[0]]: new ort.Tensor("float32", data, [1, 3, size, size]) };
const times = [];
for (let run = -2; run < runs; run++) {
  const start = performance.now();
  await session.run(feeds);
  if (run >= 0) times.push((performance.now() - start) / 1000);
}
times.sort((a, b) => a - b);
console.log(JSON.stringify({ engine: "onnxruntime-node", size, median_s: times[runs >> 1], min_s: times[0] }));
