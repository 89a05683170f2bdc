/** Each pass over a graph keeps what the graph computes: the graph before and after it, exported, in onnxruntime-node. */

import { exportOnnx, type Graph, type NetworkFields, networkGraph } from "@pspnet/core";
import { dropDeadNodes, foldBatchNorm, foldConstants, fuseConvolution } from "@pspnet/core/graph";
import { tensor } from "@pspnet/torch";
import { describe, expect, test } from "vitest";
import { answer, eagerly, onnxRuntime, open, relativeError, smallNetwork } from "./support/onnx.js";
import { reproducibleImage } from "./support/reproducible.js";

const FORMS: NetworkFields[] = [
  { layers: 18 },
  { layers: 50, stem: "plain", ceilPool: true },
  { layers: 18, pool: "max", reduction: false, bins: [1, 3] },
  { layers: 18, ppm: false },
];
const PASSES = { foldConstants, foldBatchNorm, fuseConvolution, dropDeadNodes };
const [H, W] = [49, 73];

describe.skipIf(!onnxRuntime).each(FORMS)("%j", (form) => {
  const { config, description, state, eager } = smallNetwork(form);
  const image = reproducibleImage([1, H, W]);
  const original = networkGraph(config, state);

  const run = async (graph: Graph) => {
    const session = await open(exportOnnx(graph, description, { output: "logits8" }).model);
    return (await answer(session, { dtype: "float32", data: image, shape: [1, 3, H, W] })).data as Float32Array;
  };
  const expected = eagerly(() => eager.forward(tensor(image, [1, 3, H, W])).out);

  test("as it was traced", async () => {
    expect(relativeError(await run(original), expected)).toBeLessThan(1e-5);
  });

  test.each(Object.entries(PASSES))("%s alone", async (_name, pass) => {
    expect(relativeError(await run(pass(original)), expected)).toBeLessThan(1e-5);
  });

  test("one after the other", async () => {
    const after = Object.values(PASSES).reduce((graph, pass) => pass(graph), original);
    expect(after.nodes.length).toBeLessThan(original.nodes.length);
    expect(relativeError(await run(after), expected)).toBeLessThan(1e-5);
  });
});
