import { parentPort, workerData } from "node:worker_threads";
import { PspnetError } from "@pspnet/core";
import sharp from "sharp";
import { fromSource } from "./dataset.js";
import type { FromWorker, ToWorker, WorkerSettings } from "./loaderThreads.js";
import { type LoadedSample, type SampleTask, SampleWriter } from "./sampleWriter.js";
import { TaskQueue } from "./taskQueue.js";

// The entry of a loader thread: loads the samples that it is told to, straight into the shared slots.

const { source, writer: options, ahead } = workerData as WorkerSettings;
const port = parentPort!;

// Several images are decoded at once; each takes one thread.
sharp.concurrency(1);
const dataset = fromSource(source);
const writer = new SampleWriter(options);
const queue = new TaskQueue<SampleTask, LoadedSample>((task) => writer.write(dataset, task), { ahead });

port.on("message", (message: ToWorker) => {
  if (message.kind === "cancel") {
    queue.cancel();
    return;
  }
  const { ticket } = message;
  queue.add(message.task).then(
    (loaded) => post({ kind: "loaded", ticket, loaded }),
    (error: unknown) =>
      post({
        kind: "failed",
        ticket,
        code: error instanceof PspnetError ? error.code : null,
        message: error instanceof Error ? error.message : String(error),
      }),
  );
});

function post(message: FromWorker): void {
  port.postMessage(message);
}
