/**
 * What float16 costs: the score of exported models of float32 and float16 on a dataset, and on how many pixels they agree.
 *
 *     node scripts/onnx/score.mjs weights.safetensors folder [images]
 *
 * The models take photographs of any size and give labels; photographs are padded to the size that aligned corners ask for.
 */
import { alignedSize, ConfusionMatrix, exportOnnx, networkGraph, optimise } from "@pspnet/core";
import ort from "onnxruntime-node";
import { openDataset, readWeights, validateTrainConfig } from "pspnet";

const [weights, root, images] = process.argv.slice(2);
const { description, state } = await readWeights(weights);
const graph = optimise(networkGraph(description.config, state));
const dataset = await openDataset(validateTrainConfig({ data: { root } }).data, "val");
const count = Math.min(dataset.length, Number(images ?? dataset.length));

async function session(dtype) {
  const { model } = exportOnnx(graph, description, { size: "any", output: "labels", dtype, preprocess: true });
  return {
    opened: await ort.InferenceSession.create(model),
    confusion: new ConfusionMatrix(description.config.classes),
  };
}

/** Labels of a photograph, `[height * width]`. What stands beyond it is grey, ImageNet's mean. */
async function labelsOf(opened, { width, height, data }) {
  const { height: h, width: w } = alignedSize({ height, width }, description.config);
  const padded = Uint8Array.from({ length: 3 * h * w }, (_, i) =>
    Math.round(255 * description.config.input.mean[i % 3]),
  );
  for (let y = 0; y < height; y++) padded.set(data.subarray(3 * y * width, 3 * (y + 1) * width), 3 * y * w);
  const { labels } = await opened.run({ image: new ort.Tensor("uint8", padded, [1, h, w, 3]) });
  const rows = Array.from({ length: height }, (_, y) => labels.data.subarray(y * w, y * w + width));
  return Uint8Array.from(rows.flatMap((row) => [...row]));
}

const models = { fp32: await session("fp32"), fp16: await session("fp16") };
let [equal, pixels] = [0, 0];
for (let i = 0; i < count; i++) {
  const { image, label } = await dataset.at(i);
  const found = [];
  for (const { opened, confusion } of Object.values(models)) {
    const ids = await labelsOf(opened, image);
    confusion.add(ids, label.data);
    found.push(ids);
  }
  equal += found[0].filter((id, at) => id === found[1][at]).length;
  pixels += found[0].length;
}
for (const [dtype, { confusion }] of Object.entries(models)) {
  const { meanIoU, pixelAccuracy } = confusion.scores();
  console.log(`${dtype}: mIoU ${(100 * meanIoU).toFixed(3)} %, pixel accuracy ${(100 * pixelAccuracy).toFixed(3)} %`);
}
console.log(`${count} photographs; the labels of ${((100 * equal) / pixels).toFixed(3)} % of the pixels are equal`);
