/** What a machine's runs have found so far: `docs/benchmarks/<machine>.json`. */
import { existsSync, readFileSync } from "node:fs";
import type { Level } from "./works.js";

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGB: number;
  readonly system: string;
  readonly node: string;
  readonly libtorch: string;
  readonly level: Level | null;
  /** Those that matter: AVX2, AVX512_BF16, AMX_BF16, ... */
  readonly instructions: readonly string[];
}

/** What tells it from others, whose processors may be called the same: AMD EPYC with AVX512_BF16, 2 cores. */
export function titleOf({ processor, instructions, cores }: Machine): string {
  const newest = instructions.length > 0 ? ` with ${instructions.at(-1)}` : "";
  return `${processor}${newest}, ${cores} cores`;
}

/** What came of a case. */
export type Measured =
  | {
      readonly command: string;
      /** Of the engine that was measured. */
      readonly version?: string;
      /** Of each round, the median of its runs. */
      readonly seconds: readonly number[];
      readonly peakMB: number;
      /** Multiply-adds that took so long, where that is what the case is for. */
      readonly macs?: number;
    }
  /** Why it was not measured. */
  | { readonly command: string; readonly missing: string };

export interface MeasuredWork {
  readonly date: string;
  readonly commit: string;
  readonly cases: Readonly<Record<string, Measured>>;
}

/** oneDNN's name of the instructions that libtorch was limited to (`AVX2`), or `all`. */
export type Instructions = string;

export interface MachineRecord {
  readonly machine: Machine;
  readonly measured: Readonly<Record<Instructions, Readonly<Record<string, MeasuredWork>>>>;
}

export function readRecord(file: string): MachineRecord | null {
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : null;
}

export function withWork(
  record: MachineRecord,
  { instructions, work, measured }: { instructions: Instructions; work: string; measured: MeasuredWork },
): MachineRecord {
  const others = record.measured[instructions];
  return { ...record, measured: { ...record.measured, [instructions]: { ...others, [work]: measured } } };
}
