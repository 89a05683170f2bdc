import * as ort from "onnxruntime-web/wasm";
import { answerNetwork } from "./answerNetwork.js";

// The entry of a worker that computes with WebAssembly: the small build of onnxruntime-web.

answerNetwork(ort, {
  mjs: new URL("onnxruntime-web/ort-wasm-simd-threaded.mjs", import.meta.url),
  wasm: new URL("onnxruntime-web/ort-wasm-simd-threaded.wasm", import.meta.url),
});
