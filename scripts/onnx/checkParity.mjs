/**
 * ONNX models in onnxruntime-node against eager libtorch: PSPNet-18 and PSPNet-50 of full width with 150 classes, one any-size
 * model for all sizes.
 *
 *     node scripts/onnx/checkParity.mjs [depths] [sizes] [fields]
 *     node scripts/onnx/checkParity.mjs 18,50 97x97,225x289,473x473,713x505 '{"alignCorners":false}'
 *
 * Weights are random (`randomNetwork.mjs`); libtorch is given the pictures padded to 8n+1. Prints the figures; exit code 1 when
 * float32 logits differ by more than 1e-4 of the largest, or more than 0.01 % of the labels.
 */
import { alignedSize, exportOnnx, networkGraph, optimise, upsampleLogits } from "@pspnet/core";
import { noGrad, scope, tensor } from "@pspnet/torch";
import ort from "onnxruntime-node";
import { descriptionOf, network, pictures, stateOf } from "./randomNetwork.mjs";

const [depths = "18,50", sizes = "97x97,225x289,473x473,713x505", fields = "{}"] = process.argv.slice(2);
const CLASSES = 150;

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
  const [, , h, w] = shape;
  const { height, width } = alignedSize({ height: h, width: w }, model.config);
  return scope(() => {
    const logits = noGrad(() => {
      const { out } = model.forward(tensor(data, shape).pad([0, width - w, 0, height - h]));
      return upsampleLogits(out, [height, width], model.config).narrow(2, 0, h).narrow(3, 0, w);
    });
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
  const model = network(layers, { classes: CLASSES, ...JSON.parse(fields) });
  const description = descriptionOf(model);
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
