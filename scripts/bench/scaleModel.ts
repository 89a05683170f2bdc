/**
 * What a step of training costs on many ranks, by what it costs on one and by the network. Gradients go in buckets while backward goes on; batch
 * norm's sums are waited for. Gloo's all-reduce is a ring, a part of the tensor from each rank to the next, until all are added up and once
 * more until all have them: 2 (p - 1) messages one after the other, 2 (p - 1) / p of the bytes. NCCL has trees too. Between processors batch
 * norm's sums go from each rank to each, all at once, beside the buckets.
 */

/** A step on one rank: what is known before there is a second. Seconds. */
export interface StepProfile {
  /** Of the whole step. */
  readonly seconds: number;
  /** Of forward and backward, which begin it. */
  readonly computed: number;
  /** Bytes of gradients, and when backward has them, since forward began. */
  readonly buckets: readonly Bucket[];
  /** Sums of batch norm: two a layer, one in forward, one in backward. */
  readonly sums: number;
}

export interface Bucket {
  readonly bytes: number;
  readonly ready: number;
}

export interface Network {
  /** What there is for an all-reduce; the faster one is taken. */
  readonly algorithms: readonly ("ring" | "tree")[];
  /** Seconds of a small message from one rank to the next. */
  readonly latency: number;
  /** The same of a message of a bucket; as of a small one when it is left out. */
  readonly bulkLatency?: number;
  /** Seconds that an all-reduce takes beside its messages. */
  readonly overhead?: number;
  /** Bytes a second that a rank sends, while it receives as many. */
  readonly bandwidth: number;
  /**
   * Seconds of a sum of batch norm over so many ranks, where sums have connections of their own. When it is left out they are all-reduces that
   * go the same way as buckets, behind them: backward stands still then, while one is on its way.
   */
  readonly sum?: (ranks: number) => number;
  /** Seconds that backward loses by a byte that is sent meanwhile: where those processors send that compute. */
  readonly processor?: number;
}

/** Who is where. */
export interface Ranks {
  readonly ranks: number;
  /** Ranks of one machine, which add up among themselves before one of them goes to the network, and are told by it (hierarchical). */
  readonly perMachine?: number;
  /** Inside a machine. */
  readonly inside?: Network;
  /** So many ranks share a batch norm; all when it is left out, none but each by itself: 1. */
  readonly normalised?: number;
}

export interface Prediction {
  readonly seconds: number;
  /** In which gradients were on their way, and in how many of them backward went on. */
  readonly sending: number;
  readonly overlapped: number;
  /** In which forward and backward waited for batch norm. */
  readonly summing: number;
  /** Of gradients, that each rank sends. */
  readonly bytes: number;
  /** The time of one rank as a share: 1 is perfect. */
  readonly efficiency: number;
}

/** Of a batch norm of 512 channels: two sums each, in float64. */
export const SUM_BYTES = 2 * 512 * 8;

/** Bytes that each rank of a ring sends. */
export function ringBytes(bytes: number, ranks: number): number {
  return (2 * (ranks - 1) * bytes) / ranks;
}

/** Seconds of an all-reduce of `bytes` over `ranks`. */
export function allReduceSeconds(bytes: number, ranks: number, network: Network): number {
  if (ranks === 1) return 0;
  const { algorithms, bandwidth, overhead = 0 } = network;
  const latency = bytes > SUM_BYTES ? (network.bulkLatency ?? network.latency) : network.latency;
  const by = {
    ring: 2 * (ranks - 1) * latency + ringBytes(bytes, ranks) / bandwidth,
    // Up and down again, in pieces, so that all links are busy.
    tree: 2 * Math.ceil(Math.log2(ranks)) * latency + (2 * bytes) / bandwidth,
  };
  return overhead + Math.min(...algorithms.map((name) => by[name]));
}

/** Seconds of a sum of batch norm over `ranks`. */
function sumSeconds(ranks: number, network: Network): number {
  return ranks > 1 && network.sum ? network.sum(ranks) : allReduceSeconds(SUM_BYTES, ranks, network);
}

/** What a collective takes first inside machines, then between them. */
function hierarchical(
  seconds: (ranks: number, network: Network) => number,
  network: Network,
  { ranks, perMachine = 1, inside = network }: Ranks,
): number {
  const together = Math.min(ranks, perMachine);
  return seconds(together, inside) + seconds(Math.ceil(ranks / together), network);
}

export function predictStep(profile: StepProfile, network: Network, among: Ranks): Prediction {
  const { ranks, perMachine = 1, normalised = ranks } = among;
  const standsStill = network.sum === undefined && profile.sums > 0 && normalised > 1;
  const summing = profile.sums * hierarchical(sumSeconds, network, { ...among, ranks: Math.min(ranks, normalised) });
  /** Batch norm lies all through forward and backward. */
  const stretch = 1 + summing / profile.computed;
  let [wall, done, busy, sending, bytes] = [0, 0, 0, 0, 0];
  for (const bucket of profile.buckets) {
    wall += (bucket.ready - done) * stretch;
    done = bucket.ready;
    const took = hierarchical((...way) => allReduceSeconds(bucket.bytes, ...way), network, among);
    const sent = ringBytes(bucket.bytes, Math.ceil(ranks / perMachine));
    busy = Math.max(wall, busy) + took;
    sending += took;
    bytes += sent;
    const left = (profile.computed - done) * stretch;
    if (standsStill && left > 0) wall = busy;
    else if (took > 0) wall += sent * (network.processor ?? 0) * Math.min(1, left / took);
  }
  const computed = wall + (profile.computed - done) * stretch;
  const late = Math.max(0, Math.min(sending, busy - computed));
  const seconds = computed + late + profile.seconds - profile.computed;
  return { seconds, sending, overlapped: sending - late, summing, bytes, efficiency: profile.seconds / seconds };
}

/** The same gradients in buckets of so many bytes, at least. */
export function bucketsOf(gradients: readonly Bucket[], bucketBytes: number): Bucket[] {
  const buckets: Bucket[] = [];
  for (const { bytes, ready } of gradients) {
    const last = buckets.at(-1);
    if (last && last.bytes < bucketBytes) buckets[buckets.length - 1] = { bytes: last.bytes + bytes, ready };
    else buckets.push({ bytes, ready });
  }
  return buckets;
}

/** What takes `factor` times as long: another machine, or a larger batch. */
export function scaled({ seconds, computed, buckets, sums }: StepProfile, factor: number): StepProfile {
  return {
    seconds: seconds * factor,
    computed: computed * factor,
    buckets: buckets.map(({ bytes, ready }) => ({ bytes, ready: ready * factor })),
    sums,
  };
}
