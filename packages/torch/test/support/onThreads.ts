import { numThreads, setNumThreads } from "@pspnet/torch";
import { expect } from "vitest";

/** That `work` gives the same on one thread and on three as on as many as there are. */
export function expectSameOnThreads(work: () => unknown): void {
  const threads = numThreads();
  const expected = work();
  try {
    for (const count of [1, 3]) {
      setNumThreads(count);
      expect(work()).toEqual(expected);
    }
  } finally {
    setNumThreads(threads);
  }
}
