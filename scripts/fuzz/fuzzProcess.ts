/** Reads mutated inputs one after the other; who started it looks after it, as any of them may end it. */
import { openSync, writeSync } from "node:fs";
import { Worker } from "node:worker_threads";
import type { Input } from "./input.js";
import { judge } from "./judge.js";
import { minimised } from "./minimise.js";
import { inputOf } from "./mutate.js";
import { TARGETS } from "./targets.js";
import type { Batch, Findings, Found, Notes } from "./watched.js";

/** Failures that are looked at closely of one batch. */
const MOST_FOUND = 20;

async function readBatch(
  { target: name, seed, from, to, input: given }: Batch,
  onInput: (index: number) => void,
): Promise<Findings> {
  const target = TARGETS.find((one) => one.name === name)!;
  const originals = target.originals();
  const found = new Map<string, Found>();
  let accepted = 0;
  let slowest = { index: from, seconds: 0 };
  for (let index = from; index < to; index++) {
    onInput(index);
    const input = given ?? inputOf(originals, seed, index);
    const begin = process.cpuUsage();
    const verdict = await judge(target, input);
    const { user, system } = process.cpuUsage(begin);
    const seconds = (user + system) / 1e6;
    if (seconds > slowest.seconds) slowest = { index, seconds };
    if (verdict.kind === "accepted") accepted++;
    if (verdict.kind !== "failed" || found.has(verdict.problem) || found.size === MOST_FOUND) continue;
    const { problem } = verdict;
    const stillFails = async (smaller: Input) => {
      onInput(index);
      const again = await judge(target, smaller);
      return again.kind === "failed" && again.problem === problem;
    };
    found.set(problem, { index, problem, input: await minimised(input, stillFails, { tries: 500 }) });
  }
  return { accepted, slowest, peak: process.resourceUsage().maxRSS * 1024, found: [...found.values()] };
}

process.once("message", async ({ batch, notes }: { readonly batch: Batch; readonly notes: Notes }) => {
  const begun = new Float64Array(new SharedArrayBuffer(8));
  const at = openSync(notes.at, "w");
  const workerData = { begun, limits: batch.limits, why: notes.why };
  const watch = new Worker(new URL("./watch.mjs", import.meta.url), { workerData });
  const findings = await readBatch(batch, (index) => {
    begun[0]++;
    writeSync(at, String(index), 0);
  });
  await watch.terminate();
  process.send!(findings, () => process.disconnect());
});
