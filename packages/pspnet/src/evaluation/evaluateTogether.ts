import { ConfusionMatrix, headline } from "@pspnet/core";
import { agreeOn } from "../ranks/agreeOn.js";
import { gather } from "../ranks/gather.js";
import type { WorkOptions } from "../ranks/launchWork.js";
import { openTogether } from "../ranks/openTogether.js";
import { pullTogether } from "../ranks/pullTogether.js";
import { type Share, shareLength } from "../ranks/share.js";
import { together } from "../ranks/together.js";
import { alone } from "../ranks/world.js";
import { Progress } from "../report/progress.js";
import { percent } from "../report/table.js";
import { addUp } from "./addUp.js";
import { evaluatePart } from "./evaluatePart.js";
import type { Evaluation, EvaluationPart, Findings } from "./evaluation.js";
import { type EvaluationTask, type OpenedEvaluation, openEvaluation } from "./openEvaluation.js";
import { writeEvaluation } from "./writeEvaluation.js";

export interface WrittenEvaluationTask extends EvaluationTask {
  /** Where the page of errors, the predictions and the confusion matrix go; null: nowhere. */
  readonly out: string | null;
  /** Images that the page shows. */
  readonly worst: number;
}

/**
 * Scores a dataset, of which each rank takes its part; the first rank writes, and has the result.
 *
 * @throws PspnetError as `openEvaluation` and `evaluate` do, on all ranks; "config" unless all have the same network and dataset.
 */
export async function evaluateTogether(task: WrittenEvaluationTask, options: WorkOptions): Promise<Evaluation | null> {
  const { world, signal, stream } = options;
  await pullTogether(world, task.weights, { ...task.network, signal, stream });
  await using opened = await openTogether(world, (either) => openEvaluation(task, { signal: either, stream }), {
    signal,
  });
  const { protocol, runtime } = opened.keys;
  if (world.size > 1) {
    const identities = await together(world, opened.identify, { signal });
    await agreeOn(world, { ...identities, protocol, runtime }, { command: "val" });
  }
  const start = performance.now();
  const own = await evaluateOwn(opened, {
    ...options,
    part: { number: world.rank + 1, of: world.size },
    out: task.out,
  });
  const found = await gather(world, own);
  if (world.rank > 0) return null;
  const seconds = (performance.now() - start) / 1000;
  const evaluation = { ...opened.keys, ...addUp(opened.keys.names.length, found), seconds };
  const { out, worst } = task;
  if (out !== null) await writeEvaluation(evaluation, { dataset: opened.dataset, out, worst });
  return evaluation;
}

/** Scores one part of a dataset, without knowing of the others. */
export async function evaluateApart(
  task: Omit<WrittenEvaluationTask, "worst">,
  part: Share,
  options: Omit<WorkOptions, "world">,
): Promise<EvaluationPart> {
  await using opened = await openEvaluation(task, options);
  const { keys } = opened;
  const identities = await opened.identify(options.signal);
  const weights = { ...keys.weights, sha256: identities.weights };
  const dataset = { ...keys.dataset, sha256: identities.dataset };
  const found = await evaluateOwn(opened, { ...options, world: alone, part, out: task.out });
  return { part, ...keys, weights, dataset, ...found };
}

interface OwnOptions extends WorkOptions {
  readonly part: Share;
  readonly out: string | null;
}

/** This rank's part, with one live line of all ranks. */
async function evaluateOwn(
  opened: OpenedEvaluation,
  { world, signal, stream, part, out }: OwnOptions,
): Promise<Findings> {
  const { dataset, keys } = opened;
  const [classes, apart] = [keys.names.length, world.size === 1];
  const total = apart ? shareLength(dataset.length, part) : dataset.length;
  const progress = new Progress(stream, { label: "val", total });
  const tally = new Float64Array(1 + classes ** 2);
  const tell = ([done, ...counts]: Float64Array) => {
    const { meanIoU } = headline(new ConfusionMatrix(classes, counts).scores(), keys.protocol.rules.mean);
    progress.update(done, { mIoU: percent(meanIoU) });
  };
  const onImage = (done: number, { counts }: ConfusionMatrix) => {
    tally[0] = done;
    tally.set(counts, 1);
    if (apart) tell(tally);
  };
  const onTally = (sums: Float64Array) => {
    if (sums[0] > 0) tell(sums);
  };
  try {
    const work = (either: AbortSignal) => evaluatePart(opened, { part, out, signal: either, onImage });
    return await together(world, work, { signal, tally, onTally });
  } finally {
    progress.finish();
  }
}
