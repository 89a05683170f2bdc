/** What the masks of a dataset hold of each class. */
export interface ClassBalance {
  /** Pixels of it. */
  readonly pixels: Float64Array;
  /** Labelled pixels of the masks that show it. */
  readonly shown: Float64Array;
}

/** Published ways from how frequent classes are to their weights in the loss. */
export const BALANCES = {
  /** `1 / ln(1.02 + p)`, where p is the class's share of the labelled pixels (ENet, arXiv 1606.02147, section 5.1). */
  enet: ({ pixels }: ClassBalance): number[] => {
    const all = pixels.reduce((sum, one) => sum + one, 0);
    return Array.from(pixels, (one) => 1 / Math.log(1.02 + one / all));
  },
  /**
   * `median(f) / f`, where f is the class's share of the masks that show it, and the median that of the classes that are shown (Eigen and
   * Fergus, arXiv 1411.4734, section 4.3.2; SegNet, arXiv 1511.00561, section 3). 0 for a class that no mask shows.
   */
  median: ({ pixels, shown }: ClassBalance): number[] => {
    const frequencies = Array.from(pixels, (one, id) => (one > 0 ? one / shown[id] : 0));
    const ordered = frequencies.filter((one) => one > 0).sort((a, b) => a - b);
    const middle = (ordered.length - 1) / 2;
    const median = (ordered[Math.floor(middle)] + ordered[Math.ceil(middle)]) / 2;
    return frequencies.map((one) => (one > 0 ? median / one : 0));
  },
} as const satisfies Readonly<Record<string, (balance: ClassBalance) => number[]>>;

export type BalanceName = keyof typeof BALANCES;
