import { type ModelDescription, PspnetError, type Runtime } from "@pspnet/core";
import { SegmenterThread } from "@pspnet/core/segment";
import type { WeightsFile } from "../weights/readWeights.js";
import type { OpenedNetwork } from "./answerNetwork.js";
import type { Backend, BackendName, BackendOptions } from "./backend.js";
import { webgpuProblem } from "./webgpuProblem.js";
import { WorkerThread } from "./workerThread.js";

interface OpenOptions extends BackendOptions {
  readonly signal?: AbortSignal;
}

export interface Opened {
  readonly runtime: Runtime;
  readonly description: ModelDescription;
  readonly backend: Backend;
}

/** More wait for each other longer than they save. */
const MOST_THREADS = 8;

/**
 * A network in a worker of its own, on what `backend` asks for.
 *
 * @throws PspnetError "environment" when that is not there.
 */
export async function openNetwork(file: WeightsFile, options: OpenOptions): Promise<Opened> {
  const { backend } = options;
  if (backend === "wasm") return open(file, "wasm", null, options);
  const problem = await webgpuProblem();
  if (problem === null) {
    try {
      return await open(file, "webgpu", null, options);
    } catch (error) {
      if (backend === "webgpu" || !isEnvironment(error)) throw error;
      return open(file, "wasm", error.message, options);
    }
  }
  if (backend === "auto") return open(file, "wasm", problem, options);
  throw new PspnetError("environment", `load: backend: expected WebGPU, but ${problem}; take backend: "wasm"`);
}

async function open(
  { source, bytes }: WeightsFile,
  name: BackendName,
  reason: string | null,
  { threads: asked, wasmPaths, signal }: OpenOptions,
): Promise<Opened> {
  const threads = threadsOf(asked);
  const thread = new WorkerThread(name === "wasm" ? wasmWorker() : webgpuWorker());
  const paths = wasmPaths && { mjs: absolute(wasmPaths.mjs), wasm: absolute(wasmPaths.wasm) };
  const abort = () => void thread.close();
  signal?.addEventListener("abort", abort, { once: true });
  try {
    // WebAssembly is the last that is tried: it may have the bytes.
    const transfer = name === "wasm" ? [bytes.buffer] : [];
    const settings = { kind: "open", source, bytes, backend: name, threads, wasmPaths: paths } as const;
    const { description } = (await thread.ask(settings, { signal, transfer })) as OpenedNetwork;
    signal?.throwIfAborted();
    return { runtime: new SegmenterThread(thread), description, backend: { name, threads, reason } };
  } catch (error) {
    await thread.close();
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

function threadsOf(asked: number): number {
  if (!globalThis.crossOriginIsolated) return 1;
  return asked > 0 ? asked : Math.min(MOST_THREADS, navigator.hardwareConcurrency);
}

function absolute(path: string | URL): string {
  return new URL(path, globalThis.location.href).href;
}

function isEnvironment(error: unknown): error is PspnetError {
  return error instanceof PspnetError && error.code === "environment";
}

// Bundlers look for just these words.

function wasmWorker(): Worker {
  return new Worker(new URL("./wasmWorker.js", import.meta.url), { type: "module", name: "pspnet" });
}

function webgpuWorker(): Worker {
  return new Worker(new URL("./webgpuWorker.js", import.meta.url), { type: "module", name: "pspnet" });
}
