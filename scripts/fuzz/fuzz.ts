/**
 * Reads mutated files with every reader of foreign bytes, looks for crashes, hangs, memory beyond bounds and errors that are not
 * ours, and keeps the smallest inputs that it finds in `fuzz-failures/`.
 *
 *   npm run fuzz -- --runs 200000 --seed 1
 *   npm run fuzz -- --target checkpoints --runs 5000
 *   npm run fuzz -- --target checkpoints --seed 1 --index 1234    # one input again
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Input } from "./input.js";
import { minimised } from "./minimise.js";
import { inputOf } from "./mutate.js";
import { TARGETS, type Target } from "./targets.js";
import { type Batch, type Limits, watched } from "./watched.js";

const FAILURES = "fuzz-failures";
const LIMITS: Limits = { seconds: 2, memory: 2 ** 30 };
/** Inputs of one process: enough to pay for its start. */
const BATCH = 10_000;

const { values: flags } = parseArgs({
  options: {
    runs: { type: "string", default: "200000" },
    seed: { type: "string", default: "1" },
    /** The first input, to go on from. */
    from: { type: "string", default: "0" },
    target: { type: "string", default: "all" },
    index: { type: "string" },
  },
});
const seed = Number(flags.seed);
const chosen = TARGETS.filter(({ name }) => flags.target === "all" || flags.target === name);
if (chosen.length === 0) {
  console.error(`fuzz: expected a target of all, ${TARGETS.map(({ name }) => name).join(", ")}, found ${flags.target}`);
  process.exit(2);
}

const total = { read: 0, accepted: 0, failed: 0, peak: 0, slowest: { seconds: 0, what: "" } };
const began = performance.now();

function progress(target: Target): void {
  const { read, accepted, failed, peak, slowest } = total;
  const rate = Math.round(read / ((performance.now() - began) / 1000));
  const parts = [
    `${read} inputs, ${rate} a second`,
    `${accepted} accepted, ${read - accepted - failed} refused, ${failed} failures`,
    `peak ${Math.round(peak / 2 ** 20)} MiB`,
    `slowest ${slowest.seconds.toFixed(2)} s (${slowest.what})`,
  ];
  console.log(`${target.name}: ${parts.join("; ")}`);
}

function keep(
  target: Target,
  failure: { readonly index: number; readonly problem: string; readonly input: Input },
): void {
  const { index, problem, input } = failure;
  total.failed++;
  const folder = join(FAILURES, `${target.name}-${seed}-${index}`);
  mkdirSync(folder, { recursive: true });
  for (const { name, bytes } of input) writeFileSync(join(folder, name), bytes);
  const again = `npm run fuzz -- --target ${target.name} --seed ${seed} --index ${index}`;
  writeFileSync(join(folder, "problem.txt"), `${problem}\n${again}\n`);
  console.log(`${folder}: ${problem}`);
}

/** Reads a batch, on after each input that ends the process. */
async function readBatch(target: Target, batch: Batch): Promise<void> {
  let { from } = batch;
  while (from < batch.to) {
    const result = await watched({ ...batch, from });
    if ("found" in result) {
      const { accepted, slowest, peak, found } = result;
      total.accepted += accepted;
      total.peak = Math.max(total.peak, peak);
      if (slowest.seconds > total.slowest.seconds) {
        total.slowest = { seconds: slowest.seconds, what: `${target.name} ${slowest.index}` };
      }
      for (const failure of found) keep(target, failure);
      from = batch.to;
    } else {
      await keepEnding(target, { ...batch, from: result.index, to: result.index + 1 }, result.why);
      from = result.index + 1;
    }
  }
  total.read += batch.to - batch.from;
  progress(target);
}

/** Looks at an input that ended its process again by itself: what others left behind may have counted. */
async function keepEnding(target: Target, one: Batch, why: string): Promise<void> {
  const ends = async (input: Input) => !("found" in (await watched({ ...one, input })));
  const input = inputOf(target.originals(), seed, one.from);
  if (!(await ends(input))) return console.log(`${target.name} ${one.from}: ${why}, but not by itself`);
  keep(target, { index: one.from, problem: why, input: await minimised(input, ends, { tries: 30 }) });
}

const shares = chosen.reduce((sum, { share }) => sum + share, 0);
const [first, runs] = [Number(flags.from), Number(flags.runs)];
for (const target of chosen) {
  if (flags.index !== undefined) {
    await readBatch(target, {
      target: target.name,
      seed,
      from: Number(flags.index),
      to: Number(flags.index) + 1,
      limits: LIMITS,
    });
    continue;
  }
  const [from, to] = [first, first + Math.ceil((runs * target.share) / shares)];
  for (let at = from; at < to; at += BATCH) {
    await readBatch(target, { target: target.name, seed, from: at, to: Math.min(to, at + BATCH), limits: LIMITS });
  }
}
process.exitCode = total.failed > 0 ? 1 : 0;
