import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { arch, cpus, platform, release, totalmem } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import {
  type ClassList,
  type ConfusionMatrix,
  type LabelMap,
  type Precision,
  PspnetError,
  type Scores,
} from "@pspnet/core";
import { version as libtorchVersion, numThreads, peakMemory } from "@pspnet/torch";
import { stringify } from "yaml";
import { seconds, type TrainConfig } from "../config/schema.js";
import type { Sample } from "../data/dataset.js";
import type { Batch } from "../data/loader.js";
import { atomicWrite, removeTemporaryFiles } from "../files/atomicWrite.js";
import { encodePng, svgToPng } from "../files/png.js";
import { createRunFolder } from "../files/runFolder.js";
import { classIouSvg } from "../report/classIouPlot.js";
import { confusionSvg } from "../report/confusionPlot.js";
import { curvesSvg } from "../report/curvesPlot.js";
import { htmlReport } from "../report/htmlReport.js";
import { appendMetrics, type MetricsRow, openMetrics } from "../report/metricsCsv.js";
import { batchPicture, validationPicture } from "../report/pictures.js";
import { duration, Progress, type TextStream } from "../report/progress.js";
import { classTable, percent } from "../report/table.js";
import { TensorBoardWriter } from "../report/tensorBoard.js";
import { type Checkpoint, epochOf, readCheckpoint, type TrainState } from "./checkpoint.js";

/** Keys that do not change what a run computes, and so may differ when it is resumed. */
const FREE_KEYS: ReadonlySet<string> = new Set(["resume", "runs", "workers", "cache", "saveEvery", "time", "device"]);
const PICTURED_BATCHES = 3;
const PICTURED_VALIDATIONS = 6;

export interface StepRecord {
  readonly loss: number;
  readonly lr: number;
}

export interface ValidationRecord {
  readonly confusion: ConfusionMatrix;
  /** Whether this is the best so far. */
  readonly better: boolean;
}

export interface RunOptions {
  readonly classes: ClassList;
  /** Steps of the whole run. */
  readonly steps: number;
  /** When the run began, by `performance.now()`. */
  readonly began: number;
  /** Of the network's products. */
  readonly precision: Precision;
  /** Where the live line goes; nowhere when it is left out. */
  readonly stream?: TextStream;
}

/** A run's folder and everything that is written there and on the screen, but for weights and state. */
export class Run {
  readonly checkpointFile: string;
  readonly bestWeights: string;
  readonly lastWeights: string;
  readonly #classes: ClassList;
  readonly #stream: TextStream;
  readonly #progress: Progress;
  readonly #board: TensorBoardWriter;
  readonly #rows: MetricsRow[];
  #unwritten: MetricsRow[] = [];
  readonly #pictures = new Map<string, Uint8Array>();

  private constructor(
    readonly folder: string,
    private readonly config: TrainConfig,
    parts: { options: RunOptions; board: TensorBoardWriter; rows: MetricsRow[]; start: number },
  ) {
    const { options, board, rows, start } = parts;
    this.checkpointFile = checkpointIn(folder);
    this.bestWeights = join(folder, "weights", "best.safetensors");
    this.lastWeights = join(folder, "weights", "last.safetensors");
    this.#classes = options.classes;
    this.#stream = options.stream ?? { write: () => {} };
    const limit = config.budget === null ? undefined : { from: options.began, seconds: seconds(config.budget) };
    this.#progress = new Progress(this.#stream, { label: "train", total: options.steps, start, limit });
    this.#board = board;
    this.#rows = rows;
  }

  /** Opens the folder of a run, new or to be resumed after `state`. */
  static async open(
    folder: string,
    config: TrainConfig,
    options: RunOptions & { readonly state: TrainState },
  ): Promise<Run> {
    await mkdir(join(folder, "pictures"), { recursive: true });
    // What a killed process was saving is as large as a checkpoint.
    for (const part of ["state", "weights"]) await removeTemporaryFiles(join(folder, part));
    const rows = await openMetrics(join(folder, "metrics.csv"), { resumeStep: options.state.step });
    const board = await TensorBoardWriter.open(folder, { resumeStep: options.state.step });
    const run = new Run(folder, config, { options, board, rows, start: options.state.step });
    await atomicWrite(join(folder, "config.yaml"), stringify(config));
    await atomicWrite(join(folder, "environment.json"), `${JSON.stringify(environment(options), null, 2)}\n`);
    return run;
  }

  say(line: string): void {
    this.#progress.log(line);
  }

  async logBatch(batch: Batch, step: number): Promise<void> {
    if (step >= PICTURED_BATCHES) return;
    const picture = batchPicture(batch.images, batch.labels, {
      ...this.config.model.input,
      shape: batch.shape,
      palette: this.#classes.palette,
    });
    await atomicWrite(join(this.folder, "pictures", `train-batch-${step + 1}.png`), await encodePng(picture));
  }

  async logStep(state: TrainState, { loss, lr }: StepRecord): Promise<void> {
    const row = { step: state.step, epoch: state.epoch + 1, seconds: Math.round(state.seconds * 100) / 100, loss, lr };
    this.#rows.push(row);
    this.#unwritten.push(row);
    this.#board.scalar("train/loss", loss, state.step);
    this.#board.scalar("train/lr", lr, state.step);
    this.#progress.update(state.step, {
      epoch: `${state.epoch + 1}/${this.config.epochs}`,
      loss: loss.toFixed(3),
      ...(state.best && { mIoU: percent(state.best.meanIoU) }),
      "images/s": ((this.config.batch * state.step) / state.seconds).toFixed(1),
      GB: (peakMemory() / 2 ** 30).toFixed(1),
    });
    if (this.#unwritten.length >= 20) await this.flush();
  }

  /** A live line for a validation of `total` images, and pictures of some, spread evenly: neighbours are often alike. */
  validation(total: number): { image(done: number, sample: Sample, prediction: LabelMap): Promise<void> } {
    this.#progress.finish();
    const progress = new Progress(this.#stream, { label: "validate", total });
    return {
      image: async (done, { image, label }, prediction) => {
        progress.update(done);
        if (done === total) progress.finish();
        const number = pictureNumber(done, total);
        if (number === 0) return;
        const png = await validationPicture({ image, truth: label, prediction, classes: this.#classes });
        await atomicWrite(join(this.folder, "pictures", `val-${number}.png`), png);
        this.#pictures.set(`val-${number}`, png);
      },
    };
  }

  /** Scores, curves and confusion matrix; `better` says that this is the best validation so far. */
  async logValidation(state: TrainState, { confusion, better }: ValidationRecord): Promise<void> {
    const scores = confusion.scores();
    const { pixelAccuracy, meanAccuracy, meanIoU } = scores;
    const row = {
      step: state.step,
      epoch: epochOf(state),
      seconds: Math.round(state.seconds),
      pixelAccuracy,
      meanAccuracy,
      meanIoU,
    };
    this.#rows.push(row);
    this.#unwritten.push(row);
    for (const [name, value] of Object.entries({ pixelAccuracy, meanAccuracy, meanIoU }))
      this.#board.scalar(`val/${name}`, value, state.step);
    for (const [name, png] of this.#pictures) this.#board.image(name, png, { step: state.step });
    await this.flush();
    this.say(
      `epoch ${epochOf(state)}: mIoU ${percent(meanIoU)} %, pixel accuracy ${percent(pixelAccuracy)} %, ` +
        `${duration(state.seconds)} of training${better ? ", the best so far" : ""}`,
    );
    await this.#plots(confusion, scores);
  }

  /** Writes what is not on disk yet: with each checkpoint, so that both tell of the same steps. */
  async flush(): Promise<void> {
    await appendMetrics(join(this.folder, "metrics.csv"), this.#unwritten);
    this.#unwritten = [];
    await this.#board.flush();
  }

  async close(): Promise<void> {
    this.#progress.finish();
    await this.#board.close();
  }

  async #plots(confusion: ConfusionMatrix, scores: Scores): Promise<void> {
    const curves = await curvesSvg(this.#series());
    const matrix = await confusionSvg(confusion, this.#classes.names);
    const file = (name: string) => join(this.folder, name);
    const classes = await classIouSvg(scores, this.#classes.names);
    for (const [name, svg] of Object.entries({ curves, confusion: matrix, "class-iou": classes })) {
      await atomicWrite(file(`${name}.svg`), svg);
      await atomicWrite(file(`${name}.png`), await svgToPng(svg));
    }
    await atomicWrite(
      file("confusion.json"),
      `${JSON.stringify({ names: this.#classes.names, ...confusion.toJSON() })}\n`,
    );
    await atomicWrite(file("scores.txt"), `${classTable(scores, this.#classes.names)}\n`);
    const report = htmlReport({
      title: this.config.name,
      summary: [
        ["mIoU", `${percent(scores.meanIoU)} %`],
        ["pixel accuracy", `${percent(scores.pixelAccuracy)} %`],
        ["mean accuracy", `${percent(scores.meanAccuracy)} %`],
      ],
      scores,
      names: this.#classes.names,
      curvesSvg: curves,
      confusionSvg: matrix,
      pictures: [...this.#pictures.keys()].map((name) => `pictures/${name}.png`),
      config: stringify(this.config),
    });
    await atomicWrite(file("report.html"), report);
  }

  #series(): Parameters<typeof curvesSvg>[0] {
    return {
      steps: this.#rows.flatMap(({ step, loss, lr }) =>
        loss === undefined || lr === undefined ? [] : [{ step, loss, lr }],
      ),
      epochs: this.#rows.flatMap(({ step, epoch, meanIoU, pixelAccuracy }) =>
        meanIoU === undefined || pixelAccuracy === undefined ? [] : [{ step, epoch, meanIoU, pixelAccuracy }],
      ),
    };
  }
}

/** Which of the pictures, from 1, image `done` of `total` becomes; 0: none. */
function pictureNumber(done: number, total: number): number {
  const count = Math.min(PICTURED_VALIDATIONS, total);
  return 1 + Array.from({ length: count }, (_, i) => 1 + Math.floor((i * total) / count)).indexOf(done);
}

/**
 * Where a run goes and what it continues from: a new folder `runs/<name>` (`<name>-2` when that exists), or with `resume`
 * the folder of that name and its checkpoint.
 *
 * @throws PspnetError "config" when there is nothing to resume, or when a key that changes the result differs.
 */
export async function placeRun(
  config: TrainConfig,
): Promise<{ readonly folder: string; readonly checkpoint: Checkpoint | null }> {
  if (!config.resume) return { folder: await createRunFolder(config.runs, config.name), checkpoint: null };
  const folder = join(config.runs, config.name);
  const file = checkpointIn(folder);
  if (!existsSync(file)) {
    throw new PspnetError(
      "config",
      `resume=true: expected the state of a run in ${file}, found none; give its name by name=, or start it without resume`,
    );
  }
  const checkpoint = await readCheckpoint(file);
  const differences = differingKeys(checkpoint.config, config);
  if (differences.length > 0) {
    throw new PspnetError(
      "config",
      `resume=true: ${folder} was started with another configuration; to go on exactly, set\n${differences.join("\n")}`,
    );
  }
  return { folder, checkpoint };
}

function differingKeys(before: TrainConfig, now: TrainConfig): string[] {
  const keys = Object.keys(before) as (keyof TrainConfig)[];
  return keys
    .filter((key) => !FREE_KEYS.has(key) && !isDeepStrictEqual(before[key], now[key]))
    .map((key) => `  ${key}: ${JSON.stringify(before[key])} (now ${JSON.stringify(now[key])})`);
}

function checkpointIn(folder: string): string {
  return join(folder, "state", "checkpoint.safetensors");
}

function environment({ precision }: RunOptions): Record<string, unknown> {
  return {
    date: new Date().toISOString(),
    processor: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    threads: numThreads(),
    precision,
    memoryGB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()} ${arch()}`,
    libtorch: libtorchVersion(),
  };
}
