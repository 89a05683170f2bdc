import { join } from "node:path";
import { atomicWrite } from "../files/atomicWrite.js";
import { svgToPng } from "../files/png.js";
import type { RunScores } from "./scores.js";
import type { Difference, Spread } from "./statistics.js";
import type { ClaimResult, RowResult, TableResult } from "./summary.js";
import { tableSvg } from "./tablePlot.js";

/** What a study has found so far. */
export interface Findings {
  readonly tables: readonly TableResult[];
  readonly claims: readonly ClaimResult[];
  readonly scores: readonly RunScores[];
}

/** A spread in per cent: `41.68 ± 0.21`. */
export function spreadText(spread: Spread | null): string {
  if (spread === null) return "-";
  const { mean, deviation } = spread;
  return deviation === null ? mean.toFixed(2) : `${mean.toFixed(2)} ± ${deviation.toFixed(2)}`;
}

/** `+4.45 ± 0.30`. */
export function differenceText({ value, error }: Difference): string {
  return error === null ? signed(value) : `${signed(value)} ± ${error.toFixed(2)}`;
}

const signed = (value: number): string => `${value < 0 ? "" : "+"}${value.toFixed(2)}`;

export const TABLE_HEAD = ["", "mIoU %", "pixel accuracy %", "seeds", "paper's mIoU %", "paper's accuracy %"];
export const CLAIM_HEAD = ["the paper says", "difference in mIoU", "", "paper"];

export function tableCells({ rows }: TableResult): string[][] {
  return rows.map(({ label, meanIoU, pixelAccuracy, values, paper }) => [
    label,
    spreadText(meanIoU),
    spreadText(pixelAccuracy),
    String(values.length),
    paper.meanIoU.toFixed(2),
    paper.pixelAccuracy.toFixed(2),
  ]);
}

export function claimCells(claims: readonly ClaimResult[]): string[][] {
  return claims.map(({ text, difference, verdict, paper }) => [
    text,
    differenceText(difference),
    verdict,
    signed(paper),
  ]);
}

/** Writes `tables.md`, `tables.csv`, `runs.csv` and a picture of each table, of all that there is. */
export async function writeTables(folder: string, findings: Findings): Promise<void> {
  const { tables, claims, scores } = findings;
  await atomicWrite(join(folder, "tables.csv"), csv(tableLines(tables)));
  await atomicWrite(join(folder, "runs.csv"), csv(runLines(scores)));
  const drawn = tables.filter(({ rows }) => rows.some(({ meanIoU }) => meanIoU !== null));
  for (const table of drawn) {
    const svg = await tableSvg(table);
    await atomicWrite(join(folder, `table-${table.number}.svg`), svg);
    await atomicWrite(join(folder, `table-${table.number}.png`), await svgToPng(svg));
  }
  await atomicWrite(join(folder, "tables.md"), markdown(drawn, claims));
}

function markdown(tables: readonly TableResult[], claims: readonly ClaimResult[]): string {
  const sections = tables.map((table) => [
    `## Table ${table.number}: ${table.title}`,
    markdownTable(TABLE_HEAD, tableCells(table)),
    `![mean IoU of table ${table.number}, measured and the paper's](table-${table.number}.png)`,
  ]);
  const found =
    claims.length > 0 ? ["## What the paper says of them", markdownTable(CLAIM_HEAD, claimCells(claims))] : [];
  return `${[...sections.flat(), ...found].join("\n\n")}\n`;
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? "---" : "---:"))), ...rows.map(line)].join("\n");
}

const TABLE_COLUMNS = [
  "table",
  "row",
  "variant",
  "test",
  "seeds",
  "meanIoU",
  "deviation",
  "pixelAccuracy",
  "deviationOfAccuracy",
  "paperMeanIoU",
  "paperPixelAccuracy",
];

function tableLines(tables: readonly TableResult[]): Cell[][] {
  const line = (
    { number }: TableResult,
    { label, variant, test, values, meanIoU, pixelAccuracy, paper }: RowResult,
  ) => [
    ...[number, label, variant.name, test, values.length],
    ...[meanIoU?.mean, meanIoU?.deviation, pixelAccuracy?.mean, pixelAccuracy?.deviation],
    ...[paper.meanIoU, paper.pixelAccuracy],
  ];
  return [TABLE_COLUMNS, ...tables.flatMap((table) => table.rows.map((row) => line(table, row)))];
}

function runLines(scores: readonly RunScores[]): Cell[][] {
  const lines = scores.flatMap(({ variant, seed, seconds, tests }) =>
    Object.entries(tests).map(([test, score]) => [
      variant,
      seed,
      test,
      100 * score.meanIoU,
      100 * score.pixelAccuracy,
      seconds,
    ]),
  );
  return [["variant", "seed", "test", "meanIoU", "pixelAccuracy", "seconds"], ...lines];
}

type Cell = string | number | null | undefined;

function csv(lines: readonly (readonly Cell[])[]): string {
  return lines.map((line) => `${line.map(cell).join(",")}\n`).join("");
}

function cell(value: Cell): string {
  if (typeof value === "number") return String(Number(value.toFixed(4)));
  return value && /[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : (value ?? "");
}
