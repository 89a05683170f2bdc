import { env, InferenceSession, Tensor } from "onnxruntime-web/wasm";

// A plain export to labels, as one runs it by hand: pixels are normalised, and the session computes the rest.

env.wasm.wasmPaths = {
  mjs: new URL("onnxruntime-web/ort-wasm-simd-threaded.mjs", import.meta.url).href,
  wasm: new URL("onnxruntime-web/ort-wasm-simd-threaded.wasm", import.meta.url).href,
};
let session: InferenceSession;

self.onmessage = async ({ data: { model, threads, data, size } }) => {
  if (model) {
    env.wasm.numThreads = threads;
    const bytes = new Uint8Array(await (await fetch(model)).arrayBuffer());
    session = await InferenceSession.create(bytes, { executionProviders: ["wasm"] });
    postMessage(null);
    return;
  }
  const plane = size * size;
  const image = new Float32Array(3 * plane);
  for (let i = 0; i < plane; i++)
    for (let c = 0; c < 3; c++) image[c * plane + i] = (data[3 * i + c] / 255 - 0.45) / 0.22;
  const results = await session.run({ [session.inputNames[0]]: new Tensor("float32", image, [1, 3, size, size]) });
  postMessage(Uint8Array.from(results[session.outputNames[0]].data as BigInt64Array, Number));
};
