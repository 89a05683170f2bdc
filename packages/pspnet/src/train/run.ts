import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { ClassList, ConfusionMatrix, LabelMap, Precision } from "@pspnet/core";
import { stringify } from "yaml";
import type { TrainConfig } from "../config/schema.js";
import type { Sample } from "../data/dataset.js";
import type { Batch } from "../data/loader.js";
import { atomicWrite, removeTemporaryFiles } from "../files/atomicWrite.js";
import { makeFolder } from "../files/makeFolder.js";
import { duration } from "../report/progress.js";
import { percent } from "../report/table.js";
import { checkpointFile, epochOf, type TrainState } from "./checkpoint.js";
import { environment } from "./environment.js";
import { LiveLine, type LiveLineOptions } from "./liveLine.js";
import { MetricsLog } from "./metricsLog.js";
import { RunPictures } from "./runPictures.js";
import { bestValidation, type Validated, writeReport } from "./runReport.js";

export interface ValidationRecord {
  readonly confusion: ConfusionMatrix;
  /** Whether this is the best so far. */
  readonly better: boolean;
}

export interface RunOptions extends LiveLineOptions {
  readonly config: TrainConfig;
  readonly classes: ClassList;
  /** Of the network's products. */
  readonly precision: Precision;
}

interface RunParts {
  readonly line: LiveLine;
  readonly metrics: MetricsLog;
  readonly pictures: RunPictures;
  readonly best: Validated | null;
}

/** A run's folder and everything that is written there and on the screen, but for weights and state. */
export class Run {
  readonly checkpoint: string;
  readonly bestWeights: string;
  readonly lastWeights: string;
  #best: Validated | null;
  /** Whether there is nothing yet that is worth a folder. */
  #empty: boolean;

  private constructor(
    readonly folder: string,
    private readonly options: RunOptions,
    private readonly parts: RunParts,
  ) {
    this.checkpoint = checkpointFile(folder);
    this.bestWeights = join(folder, "weights", "best.safetensors");
    this.lastWeights = join(folder, "weights", "last.safetensors");
    this.#best = parts.best;
    this.#empty = !options.config.resume;
  }

  /** Opens the folder of a run, new or to be resumed after `state`. When it cannot, a new one is gone. */
  static async open(folder: string, options: RunOptions): Promise<Run> {
    const { config, classes, state, precision } = options;
    try {
      await makeFolder(join(folder, "pictures"));
      // What a killed process was saving is as large as a checkpoint.
      for (const part of ["state", "weights"]) await removeTemporaryFiles(join(folder, part));
      await atomicWrite(join(folder, "config.yaml"), stringify(config));
      await atomicWrite(join(folder, "environment.json"), `${JSON.stringify(environment(precision), null, 2)}\n`);
      const metrics = await MetricsLog.open(folder, { resumeStep: state.step });
      const pictures = new RunPictures(folder, classes, config.model.input);
      const best = await bestValidation(folder, state.best);
      return new Run(folder, options, { line: new LiveLine(config, options), metrics, pictures, best });
    } catch (error) {
      if (!config.resume) await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  say(line: string): void {
    this.parts.line.say(line);
  }

  /** A batch as it comes; `step` were done before. */
  async logBatch(batch: Batch, step: number): Promise<void> {
    await this.parts.pictures.batch(batch, step);
  }

  async logStep(state: TrainState, record: { readonly loss: number; readonly lr: number }): Promise<void> {
    this.#empty = false;
    await this.parts.metrics.step(state, record);
    this.parts.line.step(state, record.loss);
  }

  /** The live line and the pictures of a validation of `total` images. */
  validation(total: number): (done: number, sample: Sample, prediction: LabelMap) => Promise<void> {
    const line = this.parts.line.validation(total);
    return async (done, sample, prediction) => {
      line.update(done);
      if (done === total) line.finish();
      await this.parts.pictures.validation(sample, prediction, { done, total });
    };
  }

  /** Scores, curves and confusion matrix; `better` says that this is the best validation so far. */
  async logValidation(state: TrainState, { confusion, better }: ValidationRecord): Promise<void> {
    const { metrics, pictures } = this.parts;
    const { config, classes } = this.options;
    const scores = confusion.scores();
    await metrics.validation(state, scores, pictures.validations);
    this.say(
      `epoch ${epochOf(state)}: mIoU ${percent(scores.meanIoU)} %, pixel accuracy ${percent(scores.pixelAccuracy)} %, ` +
        `${duration(state.seconds)} of training${better ? ", the best so far" : ""}`,
    );
    const last = { epoch: epochOf(state), confusion };
    if (better) this.#best = last;
    await writeReport(this.folder, {
      config,
      names: classes.names,
      best: this.#best,
      last,
      curves: metrics.curves(),
      pictures: pictures.validations.keys(),
    });
  }

  /** Writes what is not on disk yet: with each checkpoint, so that both tell of the same steps. */
  async flush(): Promise<void> {
    await this.parts.metrics.flush();
  }

  /** A new run that ends before its first step leaves nothing. */
  async close(): Promise<void> {
    this.parts.line.finish();
    await this.parts.metrics.close();
    if (this.#empty) await rm(this.folder, { recursive: true, force: true });
  }
}
