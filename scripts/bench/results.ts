import { median } from "../../packages/pspnet/src/bench/bench.js";
import type { Measured, MeasuredWork } from "./record.js";
import type { Level, Row, Work } from "./works.js";

/** A row with its figures. */
export interface Result {
  readonly work: string;
  readonly against: string;
  readonly ours: Side;
  readonly theirs: Side;
  /** Our time as a share of theirs: the median of the rounds' ratios, the smallest and the largest. */
  readonly ratio: number;
  readonly range: readonly [number, number];
  readonly aim?: number;
}

export interface Side {
  readonly name: string;
  /** The median of the rounds. */
  readonly seconds: number;
  readonly peakMB: number;
}

type Timed = Extract<Measured, { readonly seconds: unknown }>;

/** The rows of a work whose both sides were measured. */
export function resultsOf(work: Work, { cases }: MeasuredWork, level: Level | null): Result[] {
  return work.rows.flatMap((row) => {
    const ours = timed(cases[row.ours]);
    const theirs = fastest(row, cases);
    if (!ours || !theirs) return [];
    const rounds = ours.seconds.map((seconds, round) => seconds / theirs.seconds[round]);
    return {
      work: work.title,
      against: row.against,
      ours: side(work, row.ours, ours),
      theirs: side(work, theirs.id, theirs),
      ratio: median(rounds),
      range: [Math.min(...rounds), Math.max(...rounds)],
      aim: level === null ? undefined : row.aims?.[level],
    };
  });
}

/** What was not measured and why, a line each. */
export function missingOf(work: Work, { cases }: MeasuredWork): string[] {
  return Object.entries(cases).flatMap(([id, found]) =>
    "missing" in found ? `${work.title}, ${work.cases[id].name}: ${found.missing}` : [],
  );
}

/** Of the sides that a row compares ours with, by the median. */
function fastest({ theirs, macs }: Row, cases: MeasuredWork["cases"]): (Timed & { readonly id: string }) | undefined {
  const found = theirs.flatMap((id) => {
    const one = timed(cases[id]);
    return one ? { ...one, id, seconds: macs === undefined ? one.seconds : atRate(one, macs) } : [];
  });
  return found.sort((a, b) => median(a.seconds) - median(b.seconds))[0];
}

/** Seconds that so many multiply-adds take at the rate of what was timed. */
function atRate({ seconds, macs: of = Number.NaN }: Timed, macs: number): number[] {
  return seconds.map((value) => (value * macs) / of);
}

function timed(measured: Measured | undefined): Timed | undefined {
  return measured && "seconds" in measured ? measured : undefined;
}

function side(work: Work, id: string, { seconds, peakMB }: Timed): Side {
  return { name: work.cases[id].name, seconds: median(seconds), peakMB };
}
