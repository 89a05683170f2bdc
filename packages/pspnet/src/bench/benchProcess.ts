import { resourceUsage } from "node:process";
import { type Image, inputChannels, random, type Size } from "@pspnet/core";
import { load } from "../segment/load.js";
import type { BenchTask, FromBenchProcess, ToBenchProcess } from "./benchCase.js";
import { matrixProduct } from "./matrixProduct.js";

// The entry of a process that is measured: makes ready, warms up, then does one round whenever it is told to.

const WARM_UP = 2;

let round: () => Promise<unknown> = async () => {};
let winograd = () => 0;

process.on("message", (message: ToBenchProcess) => {
  const done = message.kind === "start" ? start(message.task) : run();
  done.catch((error: unknown) => send({ kind: "failed", message: (error as Error).message }));
});
// The one that measures is gone.
process.on("disconnect", () => process.exit());

async function start(task: BenchTask): Promise<void> {
  round = await prepare(task);
  for (let i = 0; i < WARM_UP; i++) await round();
  send({ kind: "ready" });
}

async function run(): Promise<void> {
  const begin = performance.now();
  await round();
  const milliseconds = performance.now() - begin;
  send({ kind: "round", milliseconds, peakMemory: 1024 * resourceUsage().maxRSS, winograd: winograd() });
}

async function prepare(task: BenchTask): Promise<() => Promise<unknown>> {
  if (task.kind === "matrixProduct") return matrixProduct(task);
  const { runtime, precision, threads, size, weights } = task;
  const net = await load(weights, { runtime, precision, threads });
  winograd = () => net.winograd.length;
  const image = noise({ ...size, channels: inputChannels(net.description.config.input) });
  return () => net.segment(image);
}

function noise(shape: Size & { readonly channels: number }): Image {
  const generator = random(0);
  const length = shape.channels * shape.height * shape.width;
  return { ...shape, data: Uint8Array.from({ length }, () => 256 * generator.next()) };
}

function send(message: FromBenchProcess): void {
  process.send!(message);
}
