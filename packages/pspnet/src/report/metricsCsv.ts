import { appendFile, readFile } from "node:fs/promises";
import { atomicWrite } from "../files/atomicWrite.js";

/** One line of `metrics.csv`: a training step, or a validation, whose columns the other leaves empty. */
export interface MetricsRow {
  readonly step: number;
  readonly epoch: number;
  readonly seconds: number;
  readonly loss?: number;
  readonly lr?: number;
  readonly pixelAccuracy?: number;
  readonly meanAccuracy?: number;
  readonly meanIoU?: number;
}

const COLUMNS = ["step", "epoch", "seconds", "loss", "lr", "pixelAccuracy", "meanAccuracy", "meanIoU"] as const;

/** Starts the file, or cuts off what a run wrote after the step that it is resumed from. Returns the rows that stay. */
export async function openMetrics(
  file: string,
  { resumeStep }: { readonly resumeStep: number },
): Promise<MetricsRow[]> {
  const rows = (await readMetrics(file)).filter(({ step }) => step <= resumeStep);
  await atomicWrite(file, [COLUMNS.join(","), ...rows.map(format), ""].join("\n"));
  return rows;
}

export async function appendMetrics(file: string, rows: readonly MetricsRow[]): Promise<void> {
  if (rows.length > 0) await appendFile(file, `${rows.map(format).join("\n")}\n`);
}

/** The rows of a file; none when it does not exist. A last line that was cut off is left out. */
export async function readMetrics(file: string): Promise<MetricsRow[]> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  const lines = text
    .split("\n")
    .slice(1, -1)
    .map((line) => line.split(","));
  return lines
    .filter((cells) => cells.length === COLUMNS.length)
    .map(
      (cells) =>
        Object.fromEntries(
          COLUMNS.flatMap((name, i) => (cells[i] === "" ? [] : [[name, Number(cells[i])]])),
        ) as unknown as MetricsRow,
    );
}

const format = (row: MetricsRow): string => COLUMNS.map((name) => row[name] ?? "").join(",");
