/** What scripts/bench/scale.ts measured on a machine: `docs/scale/<machine>.json`. */
import { median } from "../../packages/pspnet/src/bench/bench.js";
import type { Link } from "./network.js";
import type { Machine } from "./record.js";
import { type Network, type Prediction, predictStep, ringBytes, type StepProfile, SUM_BYTES } from "./scaleModel.js";

/** A network and who trains it. */
export interface Case {
  readonly layers: number;
  readonly size: number;
  /** Images of each rank. */
  readonly batch: number;
  readonly ranks: number;
  /** Of each rank. */
  readonly threads: number;
  readonly wire: "fp32" | "bf16";
  /** MiB of a bucket, at least. */
  readonly bucket: number;
  readonly link: Link;
  /** Counted in each turn. */
  readonly steps: number;
  /** Whether one rank with all their threads and samples takes turns with them. */
  readonly beside?: boolean;
}

/** Medians over steps, means over ranks; seconds. */
export interface Row {
  readonly case: Case;
  readonly date: string;
  readonly commit: string;
  /** `namespaces`: each rank on a host of its own; `loopback`: all on one, whose counters were divided. */
  readonly network: "namespaces" | "loopback";
  /** A step while the other ranks do as much, each for itself. */
  readonly alone: number;
  /** The same with gradients gathered over nobody: where the model begins. */
  readonly profile: StepProfile;
  /** A step of all together. */
  readonly together: number;
  /** Bytes that a rank's interface sent and received in a step. */
  readonly sent: number;
  readonly received: number;
  /** In which gradients were on their way, and of these in how many backward went on. */
  readonly sending: number;
  readonly overlapped: number;
  /** From backward's end until all gradients were in place. */
  readonly waited: number;
  /** Batch norm's sums: how many a step, and for how long forward and backward waited for them. */
  readonly sums: { readonly count: number; readonly seconds: number };
  /** Seconds of a step of one rank with all their threads and samples, and of theirs as a share of it, round by round. */
  readonly beside?: { readonly seconds: number; readonly shares: readonly number[] };
  /** Collectives by themselves: seconds of a batch norm's sum; of as small an all-reduce; of a bucket of so many bytes, its processor seconds. */
  readonly probe: {
    readonly sum: number;
    readonly small: number;
    readonly bucket: { readonly bytes: number; readonly seconds: number; readonly processor: number };
  };
}

/** What gradients in bfloat16 on the wire lose; see packages/pspnet/bench/wireError.mjs. */
export interface WireError {
  /** Length of the difference of all gradients as a share of theirs; and of the worst parameter's. */
  readonly gradients: number;
  readonly worst: { readonly name: string; readonly error: number };
  /** After so many steps: the loss, and how far it is off with bfloat16, and by rounding alone. */
  readonly steps: number;
  readonly lr: number;
  readonly loss: number;
  readonly lossOff: number;
  readonly lossOffByRounding: number;
}

export interface ScaleRecord {
  readonly machine: Machine;
  readonly rows: Readonly<Record<string, Row>>;
  /** By the number of ranks. */
  readonly wire: Readonly<Record<string, { readonly case: Case; readonly error: WireError }>>;
  /** A step on a GPU, where somebody has measured one. */
  readonly gpu?: { readonly seconds: number; readonly batch: number; readonly what: string };
}

/** What a row's collectives by themselves say of its network: a straight line through a small all-reduce and a bucket; and a sum of batch norm. */
export function networkOf({ case: { ranks, threads }, probe }: Row, cores: number): Network {
  const { bytes, seconds, processor } = probe.bucket;
  const bandwidth = (ringBytes(bytes, ranks) - ringBytes(SUM_BYTES, ranks)) / (seconds - probe.small);
  const latency = (probe.small - ringBytes(SUM_BYTES, ranks) / bandwidth) / (2 * (ranks - 1));
  /** Processes that have a core each, and one to spare, lose nothing to what is sent. */
  const crowding = ranks * threads < cores ? 0 : (ranks * threads) / cores;
  return {
    algorithms: ["ring"],
    sum: () => probe.sum,
    latency,
    bandwidth,
    processor: (crowding * processor) / ringBytes(bytes, ranks),
  };
}

/** One rank has no network. */
const NOWHERE: Network = { algorithms: ["ring"], latency: 0, bandwidth: Number.POSITIVE_INFINITY };

export function predictionOf(row: Row, cores: number): Prediction {
  return predictStep(row.profile, row.case.ranks === 1 ? NOWHERE : networkOf(row, cores), row.case);
}

/** What a rank's process says of a step; see packages/pspnet/bench/rankStep.mjs. */
export interface MeasuredStep {
  readonly seconds: number;
  readonly timings: {
    readonly buckets: readonly { readonly bytes: number; readonly sent: number; readonly done: number }[];
    readonly computed: number;
    readonly finished: number;
  };
  readonly sending: number;
  readonly overlapped: number;
  readonly sums: { readonly count: number; readonly seconds: number };
  readonly sent: number;
  readonly received: number;
}

/** What all ranks said in all turns, one list a rank. */
export interface Measured {
  readonly alone: readonly (readonly { readonly seconds: number }[])[];
  readonly gathered: readonly (readonly MeasuredStep[])[];
  readonly together: readonly (readonly MeasuredStep[])[];
  /** Of one process with the threads and samples of all, step by step beside theirs together; none where it was not asked. */
  readonly beside: readonly (readonly { readonly seconds: number }[])[];
  readonly probe: readonly Row["probe"][];
}

export function summary({
  alone,
  gathered,
  together,
  beside: [one = []],
  probe,
}: Measured): Omit<Row, "case" | "date" | "commit" | "network"> {
  const of = <T>(ranks: readonly (readonly T[])[], figure: (step: T) => number) =>
    mean(ranks.map((steps) => median(steps.map(figure))));
  const [[first]] = gathered;
  return {
    alone: of(alone, ({ seconds }) => seconds),
    profile: {
      seconds: of(gathered, ({ seconds }) => seconds),
      computed: of(gathered, ({ timings }) => timings.computed),
      buckets: first.timings.buckets.map(({ bytes }, i) => ({
        bytes,
        ready: of(gathered, ({ timings }) => timings.buckets[i].sent),
      })),
      sums: first.sums.count,
    },
    together: of(together, ({ seconds }) => seconds),
    ...(one.length > 0 && {
      beside: {
        seconds: median(one.map(({ seconds }) => seconds)),
        shares: one.map(({ seconds }, step) => mean(together.map((steps) => steps[step].seconds)) / seconds),
      },
    }),
    sent: of(together, ({ sent }) => sent),
    received: of(together, ({ received }) => received),
    sending: of(together, ({ sending }) => sending),
    overlapped: of(together, ({ overlapped }) => overlapped),
    waited: of(together, ({ timings }) => timings.finished - timings.computed),
    sums: { count: first.sums.count, seconds: of(together, ({ sums }) => sums.seconds) },
    probe: {
      sum: mean(probe.map(({ sum }) => sum)),
      small: mean(probe.map(({ small }) => small)),
      bucket: {
        bytes: probe[0].bucket.bytes,
        seconds: mean(probe.map(({ bucket }) => bucket.seconds)),
        processor: mean(probe.map(({ bucket }) => bucket.processor)),
      },
    },
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
