import { parentPort, workerData } from "node:worker_threads";
import { OnnxSegmenter, PspnetError, parseWeights } from "@pspnet/core";
import { availableMemory } from "./availableMemory.js";
import type { FromThread, OnnxThreadSettings, ToThread } from "./onnxRuntime.js";
import { openOnnxSession } from "./openOnnxSession.js";

// The entry of the thread that onnxruntime computes in: answers one question after the other.

const { source, bytes, threads, rest } = workerData as OnnxThreadSettings;
const port = parentPort!;

const segmenter = new OnnxSegmenter({
  ...parseWeights(bytes, { source }),
  openSession: (model) => openOnnxSession(model, { threads, rest }),
  availableMemory,
});
const aborts = new Map<number, AbortController>();
let last: Promise<unknown> = Promise.resolve();

port.on("message", (message: ToThread) => {
  if (message.kind === "abort") aborts.get(message.ticket)?.abort();
  else if (message.kind === "close") last = last.then(close);
  else {
    aborts.set(message.ticket, new AbortController());
    last = last.then(() => answer(message));
  }
});
post({ kind: "ready" });

async function answer({ ticket, question, image, protocol }: Extract<ToThread, { kind: "ask" }>): Promise<void> {
  const { signal } = aborts.get(ticket)!;
  const onWindow = (done: number, total: number) => post({ kind: "window", ticket, done, total });
  const options = { ...protocol, signal, onWindow };
  try {
    const answer =
      question === "labels"
        ? (await segmenter.labels(image, options)).data
        : question === "logits"
          ? await segmenter.logits(image, options)
          : await segmenter.probabilities(image, options);
    post({ kind: "answer", ticket, answer });
  } catch (error) {
    const code = error instanceof PspnetError ? error.code : null;
    post({ kind: "failed", ticket, code, message: error instanceof Error ? error.message : String(error) });
  } finally {
    aborts.delete(ticket);
  }
}

async function close(): Promise<void> {
  await segmenter[Symbol.asyncDispose]();
  port.close();
}

function post(message: FromThread): void {
  port.postMessage(message);
}
