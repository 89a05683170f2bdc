import * as ort from "onnxruntime-web/webgpu";
import { answerNetwork } from "./answerNetwork.js";

// The entry of a worker that computes with WebGPU.

answerNetwork(ort, {
  mjs: new URL("onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs", import.meta.url),
  wasm: new URL("onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm", import.meta.url),
});
