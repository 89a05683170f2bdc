/**
 * What runtimes make of an exported file against what `predict` says, at sizes of 8n+1 and others, from one file for all sizes and
 * from one for each: its labels, and those of its logits and of its logits at 1/8.
 *
 *     pip install onnxruntime openvino numpy
 *     node scripts/onnx/checkLabels.mjs [weights.safetensors or depth] [sizes]
 *     PSPNET_PYTHON=venv/bin/python node scripts/onnx/checkLabels.mjs 50 160x160,1x1
 *
 * A depth stands for random weights (`randomNetwork.mjs`) and is 18 unless it is given. Prints the shares of equal labels; exit code 1
 * when one is below 99.99 %.
 */
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  alignedSize,
  describeWeights,
  exportOnnx,
  fromFloat32,
  networkGraph,
  optimise,
  parseWeights,
  writeSafetensors,
} from "@pspnet/core";
import { enlargedLabels } from "@pspnet/core/segment";
import ort from "onnxruntime-node";
import { decodeNpy, load } from "pspnet";
import { descriptionOf, network, pictures, stateOf } from "./randomNetwork.mjs";

const [weights = "18", sizes = "160x160,500x381,473x473,1x1,713x1425"] = process.argv.slice(2);
const OUTPUTS = ["labels", "logits", "logits8"];
const python = process.env.PSPNET_PYTHON ?? "python3";
const script = fileURLToPath(new URL("run.py", import.meta.url));
const folder = await mkdtemp(join(tmpdir(), "pspnet-labels-"));
const [model, photographs] = [join(folder, "model.onnx"), join(folder, "photographs.raw")];

/** Each gives the values and shapes of the outputs of the model for the photographs, `[n, h, w, 3]`, by name. */
const RUNTIMES = {
  "onnxruntime-node": async (shape) => {
    const session = await ort.InferenceSession.create(model);
    const image = new ort.Tensor("uint8", new Uint8Array(await readFile(photographs)), [...shape, 3]);
    const found = await session.run({ image });
    await session.release();
    return Object.fromEntries(OUTPUTS.map((name) => [name, { values: found[name].data, shape: found[name].dims }]));
  },
  "onnxruntime in Python": (shape) => inPython("onnxruntime", shape),
  OpenVINO: (shape) => inPython("openvino", shape),
};

async function inPython(runtime, shape) {
  execFileSync(python, [script, runtime, model, photographs, shape.join("x"), folder], { stdio: "inherit" });
  const read = async (name) => [name, decodeNpy(await readFile(join(folder, `${name}.npy`)))];
  return Object.fromEntries(await Promise.all(OUTPUTS.map(read)));
}

/** A weights file of random weights. */
function randomFile(layers) {
  const made = network(layers, { classes: 21 });
  const stored = ([name, { shape, dtype, float32 }]) => [name, { shape, dtype, bytes: fromFloat32(float32(), dtype) }];
  return writeSafetensors(new Map([...stateOf(made)].map(stored)), describeWeights(descriptionOf(made)));
}

/** Photographs of a size. */
function photographsOf([height, width]) {
  const { data, shape } = pictures([height, width]);
  const plane = height * width;
  const value = (number, i) => 120 + 55 * data[(3 * number + (i % 3)) * plane + Math.floor(i / 3)];
  return Array.from({ length: shape[0] }, (_, number) => ({
    height,
    width,
    data: new Uint8Array(Uint8ClampedArray.from({ length: 3 * plane }, (_, i) => value(number, i)).buffer),
  }));
}

/** The labels that logits `[n, classes, h, w]` give when they are enlarged to a size and cut to the images'. */
function labelsOf({ values, shape: [n, classes, h, w] }, { size, enlarged }) {
  const length = classes * h * w;
  const { alignCorners } = description.config.upsampling;
  return Array.from({ length: n }, (_, i) => {
    const windows = [{ shape: [1, classes, h, w], data: values.subarray(i * length, (i + 1) * length) }];
    return enlargedLabels([{ windows, enlarged }], { size, alignCorners });
  });
}

/** Of maps of labels one after the other, the share that is as expected. */
function agreement(maps, expected) {
  const [found, wanted] = [maps, expected].map((list) => Buffer.concat(list));
  if (found.length !== wanted.length) return 0;
  return wanted.filter((id, i) => id === found[i]).length / wanted.length;
}

const file = /^\d+$/.test(weights) ? randomFile(Number(weights)) : await readFile(weights);
const { description, state } = parseWeights(file);
const graph = optimise(networkGraph(description.config, state));
const predictor = await load(file, { precision: "fp32" });
const table = {};
let failed = false;
for (const text of sizes.split(",")) {
  const [height, width] = text.split("x").map(Number);
  const size = { height, width };
  const images = photographsOf([height, width]);
  const expected = [];
  for (const image of images) expected.push((await predictor.segment(image)).labels.data);
  await writeFile(photographs, Buffer.concat(images.map(({ data }) => data)));
  for (const [form, asked] of Object.entries({ any: "any", fixed: size })) {
    await writeFile(model, exportOnnx(graph, description, { output: OUTPUTS, preprocess: true, size: asked }).model);
    for (const [name, run] of Object.entries(RUNTIMES)) {
      const { labels, logits, logits8 } = await run([images.length, height, width]);
      const shares = {
        labels: agreement([Uint8Array.from(labels.values)], expected),
        logits: agreement(labelsOf(logits, { size, enlarged: size }), expected),
        logits8: agreement(labelsOf(logits8, { size, enlarged: alignedSize(size, description.config) }), expected),
      };
      if (Object.values(shares).some((share) => share < 0.9999)) failed = true;
      const shown = Object.entries(shares).map(([output, share]) => [output, `${(100 * share).toFixed(4)} %`]);
      table[`${text} ${form}, ${name}`] = {
        classes: new Set(expected.flatMap((map) => [...new Set(map)])).size,
        ...Object.fromEntries(shown),
      };
    }
  }
}
await predictor.dispose();
await rm(folder, { recursive: true });
console.table(table);
process.exitCode = failed ? 1 : 0;
