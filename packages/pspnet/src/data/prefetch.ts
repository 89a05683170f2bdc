import type { Dataset, Sample } from "./dataset.js";

/** The samples in order, the next `ahead` being decoded while one is worked on. */
export async function* prefetch(dataset: Dataset, { ahead }: { readonly ahead: number }): AsyncGenerator<Sample> {
  const pending: Promise<Sample>[] = [];
  for (let next = 0; next < dataset.length || pending.length > 0; ) {
    while (next < dataset.length && pending.length <= ahead) {
      const sample = dataset.at(next++);
      // It may fail long before anybody waits for it.
      sample.catch(() => {});
      pending.push(sample);
    }
    yield await pending.shift()!;
  }
}
