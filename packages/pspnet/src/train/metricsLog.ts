import { join } from "node:path";
import type { Scores } from "@pspnet/core";
import type { Curves } from "../report/curvesPlot.js";
import { appendMetrics, type MetricsRow, openMetrics } from "../report/metricsCsv.js";
import { TensorBoardWriter } from "../report/tensorBoard.js";
import { epochOf, type TrainState } from "./checkpoint.js";

/** Rows that are kept back at most. */
const UNWRITTEN = 20;

/** What a run measures: `metrics.csv`, TensorBoard's events, and the points of the curves. */
export class MetricsLog {
  #unwritten: MetricsRow[] = [];

  private constructor(
    private readonly file: string,
    private readonly rows: MetricsRow[],
    private readonly board: TensorBoardWriter,
  ) {}

  /** What was written after `resumeStep` is cut off. */
  static async open(folder: string, { resumeStep }: { readonly resumeStep: number }): Promise<MetricsLog> {
    const file = join(folder, "metrics.csv");
    const rows = await openMetrics(file, { resumeStep });
    return new MetricsLog(file, rows, await TensorBoardWriter.open(folder, { resumeStep }));
  }

  async step(state: TrainState, { loss, lr }: { readonly loss: number; readonly lr: number }): Promise<void> {
    const seconds = Math.round(state.seconds * 100) / 100;
    this.#add({ step: state.step, epoch: state.epoch + 1, seconds, loss, lr });
    for (const [name, value] of Object.entries({ loss, lr })) this.board.scalar(`train/${name}`, value, state.step);
    if (this.#unwritten.length >= UNWRITTEN) await this.flush();
  }

  /** @param pictures PNG files by name. */
  async validation(state: TrainState, scores: Scores, pictures: ReadonlyMap<string, Uint8Array>): Promise<void> {
    const { pixelAccuracy, meanAccuracy, meanIoU } = scores;
    const { step } = state;
    const shares = { pixelAccuracy, meanAccuracy, meanIoU };
    this.#add({ step, epoch: epochOf(state), seconds: Math.round(state.seconds), ...shares });
    for (const [name, value] of Object.entries(shares)) this.board.scalar(`val/${name}`, value, step);
    for (const [name, png] of pictures) this.board.image(name, png, { step });
    await this.flush();
  }

  /** Writes what is not on disk yet. */
  async flush(): Promise<void> {
    await appendMetrics(this.file, this.#unwritten);
    this.#unwritten = [];
    await this.board.flush();
  }

  close(): Promise<void> {
    return this.board.close();
  }

  curves(): Curves {
    return {
      steps: this.rows.flatMap(({ step, loss, lr }) =>
        loss === undefined || lr === undefined ? [] : [{ step, loss, lr }],
      ),
      epochs: this.rows.flatMap(({ epoch, meanIoU, pixelAccuracy }) =>
        meanIoU === undefined || pixelAccuracy === undefined ? [] : [{ epoch, meanIoU, pixelAccuracy }],
      ),
    };
  }

  #add(row: MetricsRow): void {
    this.rows.push(row);
    this.#unwritten.push(row);
  }
}
