import type { Place } from "@pspnet/torch";
import type { TrainConfig } from "../config/schema.js";
import type { RuntimeOptions } from "../segment/openRuntime.js";
import { asRank } from "./asRank.js";
import type { Work, WorkOptions } from "./launchWork.js";

/** Work is done with a network. */
export interface NetworkTask {
  readonly network: RuntimeOptions;
}

/** What a rank is told. */
export interface WorkTask<Task extends NetworkTask> {
  /** Of which device a rank has nothing is said yet. */
  readonly task: Task & { readonly network: { readonly device: TrainConfig["device"] } };
  readonly timeout: string;
  readonly kept: string;
}

/** Does the work as one of the ranks that a launcher started, with the network on this rank's own device. Throws as `asRank` does. */
export function workAsRank<Task extends NetworkTask, Result>(
  work: Work<Task, Result>,
  { task, timeout, kept }: WorkTask<Task>,
  { place, ...options }: Omit<WorkOptions, "world"> & { readonly place: Place },
): Promise<Result> {
  const { network } = task;
  // Those are for processors alone, and themselves refuse another device that is asked for.
  const processors = network.runtime === "onnx" || network.precision === "int8";
  return asRank(place, { timeout, device: processors ? "cpu" : network.device, kept }, (world) =>
    work(processors ? task : { ...task, network: { ...network, device: world.device } }, { world, ...options }),
  );
}
