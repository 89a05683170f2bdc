import { appendFile, readFile } from "node:fs/promises";
import { PspnetError } from "@pspnet/core";
import { atomicWrite } from "../files/atomicWrite.js";
import { writeError } from "../files/writeError.js";

/** One line of `metrics.csv`: a training step, or a validation, whose columns the other leaves empty. */
export interface MetricsRow {
  /** Optimiser steps done. */
  readonly step: number;
  readonly epoch: number;
  /** Seconds spent training. */
  readonly seconds: number;
  readonly loss?: number;
  readonly lr?: number;
  /** Scores are shares, 0 to 1. */
  readonly pixelAccuracy?: number;
  readonly meanAccuracy?: number;
  readonly meanIoU?: number;
}

const COLUMNS = ["step", "epoch", "seconds", "loss", "lr", "pixelAccuracy", "meanAccuracy", "meanIoU"] as const;
const HEADER = COLUMNS.join(",");

/**
 * Starts the file, or cuts off what a run wrote after the step that it is resumed from. Returns the rows that stay.
 *
 * @throws PspnetError as {@link readMetrics} and {@link atomicWrite} do.
 */
export async function openMetrics(
  file: string,
  { resumeStep }: { readonly resumeStep: number },
): Promise<MetricsRow[]> {
  const rows = (await readMetrics(file)).filter(({ step }) => step <= resumeStep);
  await atomicWrite(file, [HEADER, ...rows.map(format), ""].join("\n"));
  return rows;
}

/** @throws PspnetError "environment" when the disk is full. */
export async function appendMetrics(file: string, rows: readonly MetricsRow[]): Promise<void> {
  if (rows.length === 0) return;
  const text = `${rows.map(format).join("\n")}\n`;
  try {
    await appendFile(file, text);
  } catch (cause) {
    const kept = "the rows before are kept";
    throw await writeError(cause as NodeJS.ErrnoException, { path: file, needed: text.length, kept });
  }
}

/**
 * The rows of a file; none when it does not exist. Lines that a killed run cut off are left out.
 *
 * @throws PspnetError "format" when the columns are others.
 */
export async function readMetrics(file: string): Promise<MetricsRow[]> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return `${HEADER}\n`;
    throw error;
  });
  const [header, ...lines] = text.split("\n").slice(0, -1);
  if (header !== undefined && header !== HEADER) {
    throw new PspnetError(
      "format",
      `${file}: expected the columns ${HEADER}, found ${header.slice(0, 200)}; move the file away`,
    );
  }
  return lines.map(parse).filter((row) => row !== null);
}

const format = (row: MetricsRow): string => COLUMNS.map((name) => row[name] ?? "").join(",");

function parse(line: string): MetricsRow | null {
  const cells = line.split(",");
  if (cells.length !== COLUMNS.length) return null;
  const entries = COLUMNS.map((name, i) => [name, cells[i] === "" ? undefined : Number(cells[i])] as const);
  const { step, epoch, seconds, ...rest } = Object.fromEntries(entries.filter(([, value]) => value !== undefined));
  return step === undefined || epoch === undefined || seconds === undefined ? null : { step, epoch, seconds, ...rest };
}
