import {
  alignedSize,
  byteInput,
  type Calibration,
  cropSize,
  type Graph,
  Histogram,
  type Image,
  networkGraph,
  optimise,
  type Ranges,
  type Weights,
} from "@pspnet/core";
import { HISTOGRAM_BINS, observe, quantise, valuesToQuantise } from "@pspnet/core/graph";
import { windowInput } from "@pspnet/core/segment";
import { keep, Plan, tensor } from "@pspnet/torch";

/** Runs a network in float32 and counts the numbers that its values have. */
export class Calibrator {
  readonly #weights: Weights;
  readonly #graph: Graph;
  readonly #plan: Plan;
  readonly #histograms: ReadonlyMap<string, Histogram>;

  /** @throws PspnetError as `networkGraph`; "environment" where libtorch's addon does not load. */
  constructor(weights: Weights) {
    const { config, crop } = weights.description;
    const { height, width } = cropSize(crop);
    this.#weights = weights;
    this.#graph = optimise(networkGraph(config, weights.state));
    const names = valuesToQuantise(this.#graph);
    this.#plan = new Plan(observe(this.#graph, names), { precision: "fp32", usualSize: [height, width] });
    this.#histograms = new Map(names.map((name) => [name, new Histogram()]));
  }

  /** @throws PspnetError "weights" where the network makes numbers that are not finite. */
  async look(image: Image): Promise<void> {
    const { config } = this.#weights.description;
    const { height, width } = image;
    const size = alignedSize(image, config);
    const place = { scaled: { height, width }, top: 0, left: 0, window: { height, width }, size, flip: false };
    const input = byteInput(config.input);
    const data = windowInput(image, { ...input, ...place });
    using images = keep(tensor(data, [1, input.table.length / 256, size.height, size.width]));
    using counted = keep(await this.#plan.run(images));
    const all = counted.toArray() as Float32Array;
    const length = 1 + 2 * HISTOGRAM_BINS;
    for (const [i, [name, histogram]] of [...this.#histograms].entries())
      histogram.add(name, all.subarray(i * length, (i + 1) * length));
  }

  ranges(calibration: Calibration): Ranges {
    return Object.fromEntries([...this.#histograms].map(([name, found]) => [name, found.range(calibration)]));
  }

  /** The names of the weights that are multiplied in bytes with these ranges, and how many convolutions there are in all. */
  quantised(ranges: Ranges): { readonly weights: Set<string>; readonly convolutions: number } {
    const names = quantise(this.#graph, ranges)
      .nodes.filter(({ operator }) => operator === "quantisedConv2d")
      .map(({ name }) => `${name}.weight`);
    const convolutions = this.#graph.nodes.filter(({ operator }) => operator === "conv2d").length;
    return { weights: new Set(names.filter((name) => this.#weights.state.has(name))), convolutions };
  }

  [Symbol.dispose](): void {
    this.#plan.dispose();
  }
}
