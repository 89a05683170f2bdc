import { loadTrainConfig } from "../../src/config/load.js";
import { openDataset } from "../../src/data/dataset.js";
import type { DataConfig } from "../../src/data/format.js";
import { PREPARATIONS } from "../../src/data/prepare/preparations.js";
import { prepare } from "../../src/data/prepare/prepare.js";
import { root } from "./dataFolder.js";

export interface Given {
  readonly also?: Record<string, string>;
  readonly out?: string;
  readonly folder?: string;
  readonly said?: Partial<DataConfig>;
}

/** What `data prepare` makes of the test's folder, without what it says of the number of samples. */
export async function prepared(name: string, options: Given = {}) {
  const preparation = PREPARATIONS.find((one) => one.name === name)!;
  const made = await prepare(preparation, { folder: root, ...options });
  return { ...made, problems: made.problems.filter((line) => !line.includes("as published")) };
}

/** The labels of a split's samples, by id, as training reads them with the configuration that was made. */
export async function labels(config: string, split = "train"): Promise<Record<string, readonly number[]>> {
  const { data } = await loadTrainConfig(config, [], ".");
  const dataset = await openDataset(data, split);
  const read = await Promise.all(dataset.source.pairs.map((_, i) => dataset.at(i)));
  return Object.fromEntries(read.map(({ id, label }) => [id, [...label.data]]));
}

/** The names of the classes in a configuration that was made. */
export async function classNames(config: string): Promise<readonly string[]> {
  const { data } = await loadTrainConfig(config, [], ".");
  return (await openDataset(data, "train")).classes.names;
}
