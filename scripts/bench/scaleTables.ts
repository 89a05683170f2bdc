/** What the model says of machines like the measured one, many of them, and of GPUs. */
import {
  allReduceSeconds,
  bucketsOf,
  type Network,
  predictStep,
  type Ranks,
  type StepProfile,
  SUM_BYTES,
  scaled,
} from "./scaleModel.js";
import { networkOf, type ScaleRecord } from "./scaleRecord.js";

export const RANKS = [8, 16, 32, 64, 128, 256, 512, 1024];
/** Gbit/s of a rank's link. */
export const RATES = [1, 10, 100, 400];

/** Seconds, from NCCL's own table (src/graph/tuning.cc): of a hop by its low-latency protocol, by its simple one, and before the first. */
const NCCL = { latency: 5e-6, bulkLatency: 14e-6, overhead: 6.8e-6 };
/** Inside a machine: the same of NVLink, and bytes a second. */
const NVLINK: Network = {
  algorithms: ["ring", "tree"],
  latency: 0.6e-6,
  bulkLatency: 3.4e-6,
  overhead: 6.8e-6,
  bandwidth: 400e9,
};

/** A kind of machine of which there are many. */
export interface Fleet {
  readonly name: string;
  readonly profile: StepProfile;
  readonly network: (gigabits: number) => Network;
  /** Between ranks of one machine. */
  readonly inside: Network;
}

/** Processors, as measured, and GPUs, where somebody has measured a step. */
export function fleets({ machine, rows, gpu }: ScaleRecord): Fleet[] {
  const { machine: alone, two, four } = rows;
  if (!alone || !two || !four) return [];
  const measured = networkOf(two, machine.cores);
  /** Of each rank beyond the second, whose message is another. */
  const message = Math.max(0, four.probe.sum - two.probe.sum) / 2;
  const images = `batch ${alone.case.batch} a rank`;
  const network = (gigabits: number): Network => {
    const bandwidth = Math.min(bytesOf(gigabits), measured.bandwidth);
    const sum = (ranks: number) =>
      two.probe.sum + (ranks - 2) * message + (ranks - 1) * SUM_BYTES * (1 / bandwidth - 1 / measured.bandwidth);
    return { ...measured, bandwidth, sum };
  };
  const cpu: Fleet = {
    name: `${machine.processor}, ${machine.cores} cores a rank, ${images}`,
    profile: alone.profile,
    network,
    inside: network(Number.POSITIVE_INFINITY),
  };
  if (!gpu) return [cpu];
  const onGpu: Fleet = {
    name: `${gpu.what}, batch ${gpu.batch} a rank`,
    profile: scaled(alone.profile, gpu.seconds / alone.profile.seconds),
    network: (gigabits) => ({ algorithms: ["ring", "tree"], ...NCCL, bandwidth: bytesOf(gigabits) }),
    inside: NVLINK,
  };
  return [cpu, onGpu];
}

const bytesOf = (gigabits: number) => (gigabits * 1e9) / 8;

/** What a user, or we, may do otherwise. */
export interface Change {
  readonly name: string;
  readonly bucketMiB?: number;
  /** Bytes of a number as a share of float32's. */
  readonly wire?: number;
  /** Images of a rank, as many times as measured. */
  readonly batch?: number;
  readonly among?: Omit<Ranks, "ranks">;
  /** Batch norm's sums have connections of their own on GPUs, as they have between processors. */
  readonly ownQueue?: boolean;
}

const DEFAULT_BUCKET = 25;

export const CHANGES: readonly Change[] = [
  { name: "as it is: buckets of 25 MiB, float32, batch norm over all" },
  { name: "buckets of 5 MiB", bucketMiB: 5 },
  { name: "buckets of 100 MiB", bucketMiB: 100 },
  { name: "`wire=bf16`", wire: 0.5 },
  { name: "batch norm's sums beside gradients on GPUs too", ownQueue: true },
  { name: "four times the batch a rank", batch: 4 },
  { name: "`syncBn=false`", among: { normalised: 1 } },
  { name: "`syncBn=false`, buckets of 5 MiB", bucketMiB: 5, among: { normalised: 1 } },
  { name: "batch norm over 16 ranks, as the paper's", among: { normalised: 16 } },
  { name: "8 ranks a machine, hierarchical", among: { perMachine: 8 } },
  {
    name: "the last, batch norm over 16, beside gradients, `wire=bf16`",
    wire: 0.5,
    ownQueue: true,
    among: { perMachine: 8, normalised: 16 },
  },
];

/** Share of perfect growth, 0 to 1. */
export function efficiency(
  fleet: Fleet,
  { ranks, gigabits }: { ranks: number; gigabits: number },
  change: Change,
): number {
  const { bucketMiB = DEFAULT_BUCKET, wire = 1, batch = 1, among, ownQueue = false } = change;
  const profile = scaled(fleet.profile, batch);
  const buckets = bucketsOf(profile.buckets, bucketMiB * 2 ** 20).map((one) => ({ ...one, bytes: one.bytes * wire }));
  const network = fleet.network(gigabits);
  const sum = ownQueue ? (ranks: number) => allReduceSeconds(SUM_BYTES, ranks, network) : undefined;
  return predictStep({ ...profile, buckets }, { sum, ...network }, { ...among, ranks, inside: fleet.inside })
    .efficiency;
}
