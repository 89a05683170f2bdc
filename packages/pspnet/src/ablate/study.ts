import { join } from "node:path";
import { inParts, type NetworkFields } from "@pspnet/core";
import type { TrainConfig } from "../config/schema.js";
import { validateTrainConfig } from "../config/validate.js";
import type { StudyDepth } from "./scales.js";
import { paperTables, type Table, type TableRow, type TestName, type Variant } from "./tables.js";

/** A configuration that rows of tables train, with every seed. */
export interface StudyVariant {
  /** That of the first row that trains it. */
  readonly name: string;
  readonly config: TrainConfig;
}

export interface StudyRow extends TableRow {
  readonly variant: StudyVariant;
}

export interface StudyTable extends Table {
  readonly rows: readonly StudyRow[];
}

/** One training of a study. */
export interface StudyRun {
  /** Of its folder: the variant's name and the seed. */
  readonly id: string;
  readonly variant: string;
  readonly seed: number;
  readonly config: TrainConfig;
  /** What its rows need. */
  readonly tests: readonly TestName[];
}

/** The tables with what each row trains; rows that train the same share it. */
export function planTables(base: TrainConfig, depths: readonly StudyDepth[]): StudyTable[] {
  const variants = new Map<string, StudyVariant>();
  const variantOf = ({ name, train }: TableRow) => {
    const config = configOf(base, { depth: depths[0], ...train });
    const key = JSON.stringify(config);
    const variant = variants.get(key) ?? { name, config };
    variants.set(key, variant);
    return variant;
  };
  return paperTables(depths).map((table) => ({
    ...table,
    rows: table.rows.map((row) => ({ ...row, variant: variantOf(row) })),
  }));
}

/** `{depth}` in `init` is the backbone's. */
function configOf(
  base: TrainConfig,
  { model, augment, auxWeight, depth }: Variant & { readonly depth: StudyDepth },
): TrainConfig {
  const { layers } = depth;
  const config = {
    ...base,
    model: inParts({ ...model, backbone: { ...depth.backbone, layers } }, base.model) as NetworkFields,
    augment: { ...base.augment, ...augment },
    auxWeight: auxWeight ?? base.auxWeight,
    init: base.init?.replaceAll("{depth}", String(layers)) ?? null,
  };
  return validateTrainConfig(config, "ablate");
}

/** What a study trains for some of its tables: all variants with the first seed, then with the next. */
export function planRuns(
  tables: readonly StudyTable[],
  { seeds, folder }: { readonly seeds: number; readonly folder: string },
): StudyRun[] {
  const tests = new Map<StudyVariant, Set<TestName>>();
  for (const { variant, test } of tables.flatMap(({ rows }) => rows))
    tests.set(variant, (tests.get(variant) ?? new Set()).add(test));
  return Array.from({ length: seeds }, (_, i) => i).flatMap((offset) =>
    Array.from(tests, ([{ name, config }, needed]) => {
      const seed = config.seed + offset;
      const id = runId(name, seed);
      return {
        id,
        variant: name,
        seed,
        config: { ...config, seed, name: id, runs: join(folder, "runs") },
        tests: [...needed],
      };
    }),
  );
}

export function runId(variant: string, seed: number): string {
  return `${variant}-seed${seed}`;
}
