import process from "node:process";

/**
 * Shared with a thread that runs native code: whether it is inside it, and whether it must not enter it any more. onnxruntime-node ends
 * the whole process, whatever its exit code was to be, when its thread is ended while it computes.
 */
export type Rest = Int32Array<SharedArrayBuffer>;

const [COMPUTING, OVER] = [0, 1];

/** Waited for at most, milliseconds: longer than any run of a network. */
const PATIENCE = 30_000;

const shared = new Set<Rest>();

/** For a thread that is about to start: when the process ends, it is waited for until it is at rest. */
export function restAtExit(): Rest {
  const rest = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
  if (shared.size === 0) process.once("exit", waitForAll);
  shared.add(rest);
  return rest;
}

/** The thread has ended. */
export function forget(rest: Rest): void {
  shared.delete(rest);
  if (shared.size === 0) process.removeListener("exit", waitForAll);
}

/** In the thread: runs native code; when the process ends, never comes back. */
export async function computing<R>(rest: Rest, native: () => Promise<R>): Promise<R> {
  Atomics.store(rest, COMPUTING, 1);
  const over = Atomics.load(rest, OVER) === 1;
  try {
    if (!over) return await native();
  } finally {
    Atomics.store(rest, COMPUTING, 0);
    Atomics.notify(rest, COMPUTING);
  }
  return new Promise<never>(() => {});
}

function waitForAll(): void {
  for (const rest of shared) {
    Atomics.store(rest, OVER, 1);
    Atomics.wait(rest, COMPUTING, 1, PATIENCE);
  }
}
