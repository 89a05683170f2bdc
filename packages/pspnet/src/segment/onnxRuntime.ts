import { once } from "node:events";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import {
  type AskOptions,
  type ErrorCode,
  type LabelMap,
  type Protocol,
  PspnetError,
  type RgbImage,
  type Runtime,
  WHOLE_IMAGE,
} from "@pspnet/core";
import type { EngineOptions } from "./engine.js";
import type { WeightsFile } from "./readWeights.js";
import { forget, type Rest, restAtExit } from "./restAtExit.js";

export const INSTALL_ONNX = "npm install onnxruntime-node";

/** The version of onnxruntime-node that is installed, or null. Does not load it. */
export function onnxVersion(): string | null {
  try {
    return (createRequire(import.meta.url)("onnxruntime-node/package.json") as { version: string }).version;
  } catch {
    return null;
  }
}

/** What the thread starts with. */
export interface OnnxThreadSettings {
  readonly source: string;
  readonly bytes: Uint8Array;
  readonly threads: number;
  readonly rest: Rest;
}

export type Question = "labels" | "probabilities" | "logits";

export type ToThread =
  | {
      readonly kind: "ask";
      readonly ticket: number;
      readonly question: Question;
      readonly image: RgbImage;
      readonly protocol: Protocol;
    }
  | { readonly kind: "abort"; readonly ticket: number }
  | { readonly kind: "close" };

export type FromThread =
  | { readonly kind: "ready" }
  | { readonly kind: "window"; readonly ticket: number; readonly done: number; readonly total: number }
  | { readonly kind: "answer"; readonly ticket: number; readonly answer: Uint8Array | Float32Array }
  | {
      readonly kind: "failed";
      readonly ticket: number;
      readonly code: ErrorCode | null;
      readonly message: string;
    };

/**
 * The network on onnxruntime-node, in a thread of its own: onnxruntime-node blocks the thread that calls it. Weights that nobody
 * else has are handed over to it, others copied.
 *
 * @throws PspnetError "environment" when onnxruntime-node is missing or does not load, "usage" for a device or precision that it has not.
 */
export async function openOnnxRuntime(
  { source, bytes, owned }: WeightsFile,
  { device, precision, threads = 0 }: EngineOptions,
): Promise<Runtime> {
  if (device === "cuda" || (precision !== "auto" && precision !== "fp32")) {
    const found = device === "cuda" ? "device=cuda" : `precision=${precision}`;
    throw new PspnetError(
      "usage",
      `runtime=onnx: expected device=cpu and precision=fp32, found ${found}; use runtime=torch for that`,
    );
  }
  const runtime = new OnnxRuntime({ source, bytes, threads }, owned && isWhole(bytes) ? [bytes.buffer] : []);
  await runtime.ready;
  return runtime;
}

/** Whether the bytes are a whole buffer: part of a larger one, such as Node's pool, cannot be handed over. */
function isWhole(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength;
}

interface Waiter {
  readonly resolve: (answer: Uint8Array | Float32Array) => void;
  readonly reject: (error: unknown) => void;
  readonly onWindow?: AskOptions["onWindow"];
}

class OnnxRuntime implements Runtime {
  readonly name = "onnx";
  readonly ready: Promise<void>;
  readonly #thread: Worker;
  readonly #waiters = new Map<number, Waiter>();
  #tickets = 0;
  #failure: PspnetError | null = null;

  constructor(settings: Omit<OnnxThreadSettings, "rest">, given: readonly ArrayBuffer[]) {
    const file = new URL("./onnxWorker.js", import.meta.url);
    if (!existsSync(file)) {
      const mend = "run it from the built package";
      throw new PspnetError("environment", `onnx: expected a built worker in ${file.pathname}, found none; ${mend}`);
    }
    // Without the process's own flags: some, such as --input-type, make a worker fail.
    const rest = restAtExit();
    this.#thread = new Worker(file, {
      workerData: { ...settings, rest } satisfies OnnxThreadSettings,
      transferList: [...given],
      execArgv: [],
    });
    this.ready = this.#start();
    this.#thread.on("message", (message: FromThread) => this.#receive(message));
    this.#thread.on("error", (error) => this.#fail(error));
    this.#thread.on("exit", (code) => {
      forget(rest);
      this.#fail(new Error(`it exited with ${code}`));
    });
  }

  async labels(image: RgbImage, options: Protocol & AskOptions): Promise<LabelMap> {
    const { width, height } = image;
    return { width, height, data: (await this.#ask("labels", image, options)) as Uint8Array };
  }

  probabilities(image: RgbImage, options: Protocol & AskOptions): Promise<Float32Array> {
    return this.#ask("probabilities", image, options) as Promise<Float32Array>;
  }

  logits(image: RgbImage, options?: AskOptions): Promise<Float32Array> {
    return this.#ask("logits", image, { ...WHOLE_IMAGE, ...options }) as Promise<Float32Array>;
  }

  /** What has been asked for is still answered. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#failure) return;
    this.#thread.ref();
    const exit = once(this.#thread, "exit");
    this.#post({ kind: "close" });
    await exit;
  }

  async #start(): Promise<void> {
    try {
      await once(this.#thread, "message");
    } catch (cause) {
      const reason = (cause as Error).message.split("\n")[0];
      throw new PspnetError(
        "environment",
        `onnxruntime-node: expected the package, but it does not load: ${reason}; install it with \`${INSTALL_ONNX}\``,
        { cause },
      );
    }
    // An idle thread does not keep the process alive.
    if (this.#waiters.size === 0) this.#thread.unref();
  }

  async #ask(
    question: Question,
    image: RgbImage,
    { signal, onWindow, ...protocol }: Protocol & AskOptions,
  ): Promise<Uint8Array | Float32Array> {
    signal?.throwIfAborted();
    if (this.#failure) throw this.#failure;
    const ticket = this.#tickets++;
    const abort = () => {
      this.#post({ kind: "abort", ticket });
      this.#waiters.get(ticket)?.reject(signal!.reason);
    };
    signal?.addEventListener("abort", abort, { once: true });
    try {
      return await new Promise((resolve, reject) => {
        this.#waiters.set(ticket, { resolve, reject, onWindow });
        this.#thread.ref();
        this.#post({ kind: "ask", ticket, question, image, protocol });
      });
    } finally {
      signal?.removeEventListener("abort", abort);
      this.#waiters.delete(ticket);
      if (this.#waiters.size === 0) this.#thread.unref();
    }
  }

  #post(message: ToThread): void {
    this.#thread.postMessage(message);
  }

  #receive(message: FromThread): void {
    if (message.kind === "ready") return;
    // An aborted question is waited for by nobody.
    const waiter = this.#waiters.get(message.ticket);
    if (message.kind === "window") waiter?.onWindow?.(message.done, message.total);
    else if (message.kind === "answer") waiter?.resolve(message.answer);
    else waiter?.reject(message.code ? new PspnetError(message.code, message.message) : new Error(message.message));
  }

  /** The thread is gone, and what it had to do with it. */
  #fail(cause: Error): void {
    this.#failure ??= new PspnetError("environment", `onnx: the thread of onnxruntime ended: ${cause.message}`, {
      cause,
    });
    for (const { reject } of this.#waiters.values()) reject(this.#failure);
  }
}
