import {
  isOnnx,
  type ModelDescription,
  type OnnxSegmenter,
  openOnnxModel,
  openOnnxSegmenter,
  parseOnnx,
  parseWeights,
} from "@pspnet/core";
import { segmentAnswers } from "@pspnet/core/segment";
import { answerQuestions } from "@pspnet/core/threads";
import type { BackendName, WasmPaths } from "./backend.js";
import { type Onnxruntime, openSession } from "./openSession.js";

/** What a worker is told to open. */
export interface NetworkSettings {
  readonly source: string;
  readonly bytes: Uint8Array;
  readonly backend: BackendName;
  readonly threads: number;
  readonly wasmPaths?: { readonly mjs: string; readonly wasm: string };
}

/** What it answers. */
export interface OpenedNetwork {
  readonly description: ModelDescription;
}

/** WebAssembly's memory has 32-bit addresses. */
const WASM_MEMORY = 2 ** 32;

/** Copies of the weights that onnxruntime takes of it: the model, its initialisers, and as convolutions want them, which is larger. */
const COPIES = 6;

/** In a worker: answers what the page asks of one network. */
export function answerNetwork(ort: Onnxruntime, files: WasmPaths): void {
  const worker = globalThis as unknown as Pick<Worker, "postMessage" | "onmessage"> & { close(): void };
  const port = {
    post: (message: unknown) => worker.postMessage(message),
    listen(receive: (message: never) => void) {
      worker.onmessage = ({ data }) => receive(data as never);
    },
    close: () => worker.close(),
  };
  const { answer, close } = segmentAnswers(async ({ wasmPaths, threads, ...settings }: NetworkSettings) => {
    const { mjs, wasm } = wasmPaths ?? files;
    ort.env.wasm.wasmPaths = { mjs: String(mjs), wasm: String(wasm) };
    ort.env.wasm.numThreads = threads;
    const opened = await open(ort, settings);
    return { runtime: opened.segmenter, opened: { description: opened.description } satisfies OpenedNetwork };
  });
  answerQuestions(port, answer, close);
}

interface Opened {
  readonly segmenter: OnnxSegmenter;
  readonly description: ModelDescription;
}

async function open(ort: Onnxruntime, { source, bytes, backend }: Omit<NetworkSettings, "threads">): Promise<Opened> {
  // The bytes themselves are not kept.
  const free = WASM_MEMORY - COPIES * bytes.length;
  const availableMemory = () => free;
  const parts = { openSession: (model: Uint8Array) => openSession(ort, model, backend), availableMemory };
  if (isOnnx(bytes)) {
    const description = parseOnnx(bytes, { source });
    return { description, segmenter: await openOnnxModel({ ...parts, model: bytes, description }) };
  }
  const { description, state } = parseWeights(bytes, { source });
  return {
    description,
    segmenter: await openOnnxSegmenter({ ...parts, state, description, winograd: backend === "wasm" }),
  };
}
