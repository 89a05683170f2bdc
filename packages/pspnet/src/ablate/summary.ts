import type { RunScores } from "./scores.js";
import { type Difference, differenceOf, type Spread, spreadOf } from "./statistics.js";
import type { StudyRow, StudyTable } from "./study.js";
import type { Claim, RowPlace } from "./tables.js";

/** What the runs of a row came to, in per cent. */
export interface RowResult extends StudyRow {
  /** Of each seed. */
  readonly values: readonly number[];
  /** Null where no run is done. */
  readonly meanIoU: Spread | null;
  readonly pixelAccuracy: Spread | null;
}

export interface TableResult extends StudyTable {
  readonly rows: readonly RowResult[];
}

/** The tables with what is there of their runs. */
export function tableResults(tables: readonly StudyTable[], scores: readonly RunScores[]): TableResult[] {
  return tables.map((table) => ({ ...table, rows: table.rows.map((row) => rowResult(row, scores)) }));
}

function rowResult(row: StudyRow, scores: readonly RunScores[]): RowResult {
  const tests = scores.flatMap(({ variant, tests }) => (variant === row.variant.name ? (tests[row.test] ?? []) : []));
  const values = tests.map(({ meanIoU }) => 100 * meanIoU);
  const accuracies = tests.map(({ pixelAccuracy }) => 100 * pixelAccuracy);
  return { ...row, values, meanIoU: spreadOf(values), pixelAccuracy: spreadOf(accuracies) };
}

/** How a claim of the paper fares. */
export interface ClaimResult extends Claim {
  /** Of the mean IoU, in per cent. */
  readonly difference: Difference;
  readonly paper: number;
  readonly verdict: "holds" | "within noise" | "does not hold" | "one seed";
}

/** Of the claims whose rows have results: one holds, or does not, where the difference is more than twice its standard error. */
export function claimResults(claims: readonly Claim[], tables: readonly TableResult[]): ClaimResult[] {
  const rowAt = ({ table, name, test }: RowPlace) =>
    tables.find(({ number }) => number === table)?.rows.find((row) => row.name === name && row.test === test);
  return claims.flatMap((claim) => {
    const [above, below] = [rowAt(claim.above), rowAt(claim.below)];
    if (!above?.meanIoU || !below?.meanIoU) return [];
    const difference = differenceOf(above.meanIoU, below.meanIoU);
    const paper = above.paper.meanIoU - below.paper.meanIoU;
    return [{ ...claim, difference, paper, verdict: verdictOn(difference) }];
  });
}

function verdictOn({ value, error }: Difference): ClaimResult["verdict"] {
  if (error === null) return "one seed";
  if (Math.abs(value) <= 2 * error) return "within noise";
  return value > 0 ? "holds" : "does not hold";
}
