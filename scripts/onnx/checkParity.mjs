/**
 * ONNX models in onnxruntime-node against eager libtorch: PSPNet-18 and PSPNet-50 of full width with 150 classes, one any-size
 * model for all sizes.
 *
 *     node scripts/onnx/checkParity.mjs [depths] [sizes] [fields]
 *     node scripts/onnx/checkParity.mjs 18,50 97x97,225x289,473x473,713x505 '{"alignCorners":false}'
 *
 * Weights are random, batch-norm statistics those of pictures and residuals damped, so that activations and their sensitivity are
 * of a trained network's size. Prints the figures; exit code 1 when float32 logits differ by more than 1e-4 of the largest, or
 * more than 0.01 % of the labels.
 */
import { exportOnnx, initialise, networkGraph, optimise, PSPNet, pspnetConfig, upsampleLogits } from "@pspnet/core";
import { backend, noGrad, scope, tensor } from "@pspnet/torch";
import ort from "onnxruntime-node";

const [depths = "18,50", sizes = "97x97,225x289,473x473,713x505", fields = "{}"] = process.argv.slice(2);
const CLASSES = 150;

/** As many pictures, `[n, 3, h, w]`, as make 0.01 % of their pixels several. */
function pictures([h, w]) {
  const n = Math.ceil(60_000 / (h * w));
  const data = new Float32Array(n * 3 * h * w);
  for (let i = 0; i < n; i++) data.set(picture([h, w], i), i * 3 * h * w);
  return { data, shape: [n, 3, h, w] };
}

/** Waves of a few lengths and some noise, `[1, 3, h, w]`. */
function picture([h, w], number = 0) {
  let seed = 12345 + number;
  const noise = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 31 - 1;
  };
  const waves = Array.from({ length: 3 }, () =>
    Array.from({ length: 4 }, (_, k) => [noise() * 0.3, noise() * 0.3, 3 * noise(), 1 / (k + 1)]),
  );
  const data = new Float32Array(3 * h * w);
  for (let i = 0; i < data.length; i++) {
    const [x, y] = [i % w, Math.floor(i / w) % h];
    const wave = waves[Math.floor(i / (h * w))];
    data[i] = wave.reduce((sum, [a, b, c, size]) => sum + size * Math.sin(a * x + b * y + c), 0.2 * noise());
  }
  return data;
}

function network(layers) {
  const config = pspnetConfig({
    classes: CLASSES,
    dropout: 0,
    aux: false,
    bnMomentum: 1,
    ...JSON.parse(fields),
    layers,
  });
  const model = new PSPNet(config);
  initialise(model, backend(), { seed: 1 });
  for (const [name, parameter] of model.stateDict()) {
    if (lastOfBlock(name, layers))
      parameter.value = tensor(new Float32Array(parameter.shape[0]).fill(0.3), parameter.shape);
  }
  // Several, because the coarsest level of the pyramid has one value a picture.
  const { data, shape } = pictures([97, 97]);
  scope(() => noGrad(() => model.train().forward(tensor(data, shape))));
  return model.eval();
}

/** Scales of the residuals. At 1, as initialised, libtorch's own float32 is 1.6e-4 from float64 in PSPNet-50; at 0.3, 1.2e-5. */
const lastOfBlock = (name, layers) =>
  /^layer[1-4]/.test(name) && name.endsWith(layers >= 50 ? ".bn3.weight" : ".bn2.weight");

function stateOf(model) {
  const entry = ([name, { value, shape }]) => [name, { shape, dtype: "float32", float32: () => value.toArray() }];
  return new Map([...model.stateDict()].map(entry));
}

/** A model's output for pictures, and the session's end. */
async function session(graph, description, options) {
  const file = exportOnnx(graph, description, { size: "any", preprocess: false, ...options });
  const opened = await ort.InferenceSession.create(file.model);
  const run = async ({ data, shape }) => {
    const found = await opened.run({ image: new ort.Tensor("float32", data, shape) });
    return found[options.output].data;
  };
  return { run, bytes: file.model.byteLength, close: () => opened.release() };
}

function expectedOf(model, { data, shape }) {
  return scope(() => {
    const logits = noGrad(() => upsampleLogits(model.forward(tensor(data, shape)).out, shape.slice(2), model.config));
    return logits.toArray();
  });
}

/** The class of the largest logit at each pixel of `n` pictures. */
function argmax(logits, n) {
  const pixels = logits.length / CLASSES / n;
  const best = new Uint8Array(n * pixels);
  for (let i = 0; i < best.length; i++) {
    const start = Math.floor(i / pixels) * CLASSES * pixels + (i % pixels);
    for (let c = 1; c < CLASSES; c++) {
      if (logits[start + c * pixels] > logits[start + best[i] * pixels]) best[i] = c;
    }
  }
  return best;
}

/** Largest difference as a share of the largest expected value. */
function relativeError(found, expected) {
  let [difference, largest] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    difference = Math.max(difference, Math.abs(found[i] - expected[i]));
    largest = Math.max(largest, Math.abs(expected[i]));
  }
  return difference / largest;
}

const agreement = (found, expected) => found.filter((id, i) => id === expected[i]).length / expected.length;

let failed = false;
for (const layers of depths.split(",").map(Number)) {
  const model = network(layers);
  const classes = {
    names: Array.from({ length: CLASSES }, (_, id) => `class${id}`),
    palette: Array.from({ length: CLASSES }, (_, id) => [id, id, id]),
  };
  const description = { config: model.config, classes, crop: 473, licence: "" };
  const graph = optimise(networkGraph(model.config, stateOf(model)));
  const cases = sizes.split(",").map((text) => {
    const size = text.split("x").map(Number);
    const batch = pictures(size);
    const expected = expectedOf(model, batch);
    return { text, batch, expected, labels: argmax(expected, batch.shape[0]), results: [] };
  });
  const files = [];
  for (const [output, dtype] of [
    ["logits", "fp32"],
    ["labels", "fp32"],
    ["logits", "fp16"],
    ["labels", "fp16"],
  ]) {
    const { run, bytes, close } = await session(graph, description, { output, dtype });
    files.push(`${output} ${dtype} ${(bytes / 2 ** 20).toFixed(1)} MiB`);
    for (const { batch, expected, labels, results } of cases) {
      const found = await run(batch);
      const value = output === "logits" ? relativeError(found, expected) : agreement(found, labels);
      if (dtype === "fp32" && !(output === "logits" ? value <= 1e-4 : value >= 0.9999)) failed = true;
      results.push(output === "logits" ? value.toExponential(1) : `${(100 * value).toFixed(4)} %`);
    }
    await close();
  }
  console.log(`PSPNet-${layers}: ${files.join(", ")}`);
  console.table(
    Object.fromEntries(
      cases.map(({ text, labels, results: [logits, equal, half, halfEqual] }) => [
        text,
        {
          classes: new Set(labels).size,
          "fp32 logits": logits,
          "fp32 labels": equal,
          "fp16 logits": half,
          "fp16 labels": halfEqual,
        },
      ]),
    ),
  );
}
process.exitCode = failed ? 1 : 0;
