/**
 * What float16 costs: the score of exported models of float32 and float16 on a dataset, and on how many pixels they agree.
 *
 *     node scripts/onnx/score.mjs weights.safetensors folder [images]
 *
 * The models take photographs of any size and give labels.
 */
import { ConfusionMatrix, exportOnnx, networkGraph, optimise } from "@pspnet/core";
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

/** Labels of a photograph, `[height * width]`. */
async function labelsOf(opened, { width, height, data }) {
  const { labels } = await opened.run({ image: new ort.Tensor("uint8", data, [1, height, width, 3]) });
  return labels.data;
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
