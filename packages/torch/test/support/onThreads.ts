import { numThreads, setNumThreads } from "@pspnet/torch";
import { expect } from "vitest";

/** What `work` gives on so many threads; as many as before compute afterwards. */
export function onThreads<R>(count: number, work: () => R): R {
  const threads = numThreads();
  setNumThreads(count);
  try {
    return work();
  } finally {
    setNumThreads(threads);
  }
}

/** That `work` gives the same on one thread and on three as on as many as there are. */
export function expectSameOnThreads(work: () => unknown): void {
  const expected = work();
  for (const count of [1, 3]) expect(onThreads(count, work)).toEqual(expected);
}
