import { workerData } from "node:worker_threads";
import { answerQuestions } from "@pspnet/core/threads";
import sharp from "sharp";
import { parentThread } from "../threads/parentThread.js";
import { fromSource } from "./dataset.js";
import type { WorkerSettings } from "./loaderThreads.js";
import { type LoadedSample, type SampleTask, SampleWriter } from "./sampleWriter.js";
import { TaskQueue } from "./taskQueue.js";

// The entry of a loader thread: loads the samples that it is told to, straight into the shared slots.

const { source, writer: options, ahead } = workerData as WorkerSettings;

// Several images are decoded at once; each takes one thread.
sharp.concurrency(1);
const dataset = fromSource(source);
const writer = new SampleWriter(options);
const queue = new TaskQueue<SampleTask, LoadedSample>((task) => writer.write(dataset, task), { ahead });

answerQuestions<SampleTask, LoadedSample>(parentThread(), (task, { signal }) => {
  // The samples of an epoch are aborted together.
  signal.addEventListener("abort", () => queue.cancel(), { once: true });
  return queue.add(task);
});
