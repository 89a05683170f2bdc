import type { GivenParts } from "@pspnet/core";
import type { TrainConfigInput } from "../config/schema.js";
import type { StudyDepth } from "./scales.js";

/** Per cent. */
export interface Figures {
  readonly meanIoU: number;
  readonly pixelAccuracy: number;
}

/** What of a training configuration is another one than the study's: the plain one is a PSPNet of the first depth. */
export interface Variant extends Pick<TrainConfigInput, "augment" | "auxWeight"> {
  readonly model?: Pick<GivenParts, "pyramid">;
  readonly depth?: StudyDepth;
}

/** How the trained network is looked at: once, or over several scales with their mirror images. */
export type TestName = "single" | "multi";

export interface TableRow {
  /** Of its runs' folders; of rows that train the same, the first one's. */
  readonly name: string;
  readonly label: string;
  readonly train: Variant;
  readonly test: TestName;
  /** On ADE20K's validation split. */
  readonly paper: Figures;
}

export interface Table {
  readonly number: number;
  readonly title: string;
  readonly rows: readonly TableRow[];
}

/** Depths of the paper's table 3 and their figures there. */
export const PAPER_DEPTHS = {
  50: { single: figures(41.68, 80.04), multi: figures(42.78, 80.76) },
  101: { single: figures(41.96, 80.64), multi: figures(43.29, 81.39) },
  152: { single: figures(42.62, 80.8), multi: figures(43.51, 81.38) },
  269: { single: figures(43.81, 80.88), multi: figures(44.94, 81.69) },
} as const;

export type PaperDepth = keyof typeof PAPER_DEPTHS;

/** The dilated FCN: the paper's baseline. */
const NO_PYRAMID: Variant = { model: { pyramid: { kind: "none" } } };
/** Training crops alone: neither mirrored nor scaled, rotated or blurred. */
const NO_AUGMENTATION: Variant = {
  augment: { scaleMin: 1, scaleMax: 1, rotate: 0, blur: false, mirror: false, photometric: false },
};

function pyramid(bins: readonly number[], pool: "average" | "max", reduction: boolean): Variant {
  return { model: { pyramid: { bins, pool, reduction } } };
}

function figures(meanIoU: number, pixelAccuracy: number): Figures {
  return { meanIoU, pixelAccuracy };
}

function row(name: string, label: string, train: Variant, paper: Figures): TableRow {
  return { name, label, train, test: "single", paper };
}

/**
 * Tables 1 to 4 of the paper (section 5.2) with its figures, of networks of these depths, of which the first is that of tables 1 and 2
 * and the last that of table 4's last rows. Augmentation and the auxiliary loss of weight 0.4 are there where nothing else is said.
 */
export function paperTables(depths: readonly StudyDepth[]): readonly Table[] {
  const fcn = row("fcn", "dilated FCN", NO_PYRAMID, figures(37.23, 78.01));
  const aux = (auxWeight: number, paper: Figures) =>
    row(`fcn-aux${auxWeight}`, auxWeight === 0 ? "none" : String(auxWeight), { ...NO_PYRAMID, auxWeight }, paper);
  const psp = row(
    "b1236-average-reduced",
    "B1236 + AVE + DR",
    pyramid([1, 2, 3, 6], "average", true),
    figures(41.68, 80.04),
  );
  const ofDepth = (depth: StudyDepth, label: string, test: TestName): TableRow => {
    return {
      name: depthName(depth),
      label,
      train: depth === depths[0] ? {} : { depth },
      test,
      paper: PAPER_DEPTHS[depth.as][test],
    };
  };
  const deepest = depths[depths.length - 1];
  const withoutAuxiliary = aux(0, figures(35.82, 77.07));
  return [
    {
      number: 1,
      title: "pooling: bins (B), maximum or average, dimension reduction (DR)",
      rows: [
        fcn,
        row("b1-max", "B1 + MAX", pyramid([1], "max", false), figures(39.94, 79.46)),
        row("b1-average", "B1 + AVE", pyramid([1], "average", false), figures(40.07, 79.52)),
        row("b1236-max", "B1236 + MAX", pyramid([1, 2, 3, 6], "max", false), figures(40.18, 79.45)),
        row("b1236-average", "B1236 + AVE", pyramid([1, 2, 3, 6], "average", false), figures(41.07, 79.97)),
        row("b1236-max-reduced", "B1236 + MAX + DR", pyramid([1, 2, 3, 6], "max", true), figures(40.87, 79.61)),
        psp,
      ],
    },
    {
      number: 2,
      title: "weight of the auxiliary loss (AL), dilated FCN",
      rows: [
        withoutAuxiliary,
        aux(0.3, figures(37.01, 77.87)),
        aux(0.4, fcn.paper),
        aux(0.6, figures(37.09, 77.84)),
        aux(0.9, figures(36.99, 77.87)),
      ],
    },
    {
      number: 3,
      title: "depth, at one scale and at several (MS)",
      rows: [
        ...depths.map((depth) => ofDepth(depth, depthLabel(depth), "single")),
        ...depths.map((depth) => ofDepth(depth, `${depthLabel(depth)} + MS`, "multi")),
      ],
    },
    {
      number: 4,
      title: "augmentation (DA), auxiliary loss (AL), pyramid (PSP), several scales (MS)",
      rows: [
        row("fcn-aux0-plain", "dilated FCN", { ...withoutAuxiliary.train, ...NO_AUGMENTATION }, figures(34.28, 76.35)),
        { ...withoutAuxiliary, label: "+ DA" },
        { ...fcn, label: "+ DA + AL" },
        { ...psp, label: "+ DA + AL + PSP" },
        ...(depths.length > 1 ? [ofDepth(deepest, `${depthLabel(deepest)} + DA + AL + PSP`, "single")] : []),
        ofDepth(deepest, `${depthLabel(deepest)} + DA + AL + PSP + MS`, "multi"),
      ],
    },
  ];
}

function depthName({ layers }: StudyDepth): string {
  return `depth${layers}`;
}

function depthLabel({ layers, as }: StudyDepth): string {
  return layers === as ? `ResNet-${layers}` : `ResNet-${layers} (the paper's ${as})`;
}

/** Two rows, of which the paper says that the first is above the second. */
export interface Claim {
  readonly text: string;
  readonly above: RowPlace;
  readonly below: RowPlace;
}

export interface RowPlace extends Pick<TableRow, "name" | "test"> {
  readonly table: number;
}

/** What sections 5.2 and 5.3 of the paper conclude from the tables. */
export function paperClaims(depths: readonly StudyDepth[]): readonly Claim[] {
  const at = (table: number, name: string, test: TestName = "single"): RowPlace => ({ table, name, test });
  const [first, last] = [depths[0], depths[depths.length - 1]].map(depthName);
  const claims: Claim[] = [
    { text: "PSP above the dilated FCN", above: at(1, "b1236-average-reduced"), below: at(1, "fcn") },
    { text: "global pooling above none", above: at(1, "b1-average"), below: at(1, "fcn") },
    { text: "four levels above global pooling", above: at(1, "b1236-average"), below: at(1, "b1-average") },
    { text: "average above maximum, one level", above: at(1, "b1-average"), below: at(1, "b1-max") },
    { text: "average above maximum, four levels", above: at(1, "b1236-average"), below: at(1, "b1236-max") },
    {
      text: "average above maximum, reduced",
      above: at(1, "b1236-average-reduced"),
      below: at(1, "b1236-max-reduced"),
    },
    { text: "reduction above none", above: at(1, "b1236-average-reduced"), below: at(1, "b1236-average") },
    { text: "auxiliary loss of 0.4 above none", above: at(2, "fcn-aux0.4"), below: at(2, "fcn-aux0") },
    ...(depths.length > 1 ? [{ text: "the deepest above the first", above: at(3, last), below: at(3, first) }] : []),
    { text: "several scales above one", above: at(3, last, "multi"), below: at(3, last) },
    { text: "augmentation above none", above: at(4, "fcn-aux0"), below: at(4, "fcn-aux0-plain") },
  ];
  return claims;
}
