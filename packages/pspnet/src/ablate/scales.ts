import type { Depth, GivenParts, ProtocolChoice } from "@pspnet/core";
import type { Tree } from "../config/tree.js";
import type { SceneSetOptions } from "../data/writeScenes.js";
import type { PaperDepth, TestName } from "./tables.js";

/** A depth of the study, and the paper's whose place it has. */
export interface StudyDepth {
  readonly layers: Depth;
  readonly as: PaperDepth;
  /** What else of the backbone goes with it. */
  readonly backbone?: GivenParts["backbone"];
}

/** How large a study is: what all of its runs share. */
export interface Scale {
  /** Keys of a training configuration, over which the command line's go. */
  readonly base: Tree;
  readonly depths: readonly StudyDepth[];
  readonly tests: Readonly<Record<TestName, ProtocolChoice>>;
  /** The dataset where `data.root` names none, which is made in the study's folder. */
  readonly scenes: Omit<SceneSetOptions, "folder"> | null;
  /** Runs side by side: one a core, or one. */
  readonly jobs: "cores" | 1;
  /** Of training and scoring, for 10^12 multiply-adds of `modelCost`, as long as no run of the study is done. */
  readonly secondsPerTera: number;
}

const MULTI_SCALE = [0.5, 0.75, 1, 1.25, 1.5, 1.75];

export const SCALES = {
  /** About a minute a network, from nothing. Two threads on one so small cost twice the processor time for little. */
  laptop: {
    base: {
      model: {
        // Each feature sees 99 pixels; with four dilated stages all of the scene, which leaves a pyramid nothing to add.
        backbone: { layers: 18, stem: "plain", width: 16, stages: 2 },
        head: { channels: 64 },
        auxiliary: { channels: 32 },
      },
      crop: 177,
      batch: 8,
      epochs: 3,
      lr: 0.1,
      headLrFactor: 1,
      augment: { scaleMin: 0.8, scaleMax: 1.25, rotate: 0, blur: false },
      threads: 1,
      cache: "ram",
      validation: { every: 1000 },
    },
    depths: [
      { layers: 18, as: 50 },
      { layers: 34, as: 101 },
      { layers: 50, as: 269 },
    ],
    tests: { single: {}, multi: { scales: [0.75, 1, 1.25], flip: true } },
    scenes: { train: 1200, val: 120, width: 192, height: 192, seed: 0 },
    jobs: "cores",
    secondsPerTera: 95,
  },
  /** ADE20K as the paper trains and scores it, which is examples/paper/ade20k-50.yaml. */
  paper: {
    base: {
      data: {
        format: "list",
        train: "pspnet/train.txt",
        val: "pspnet/val.txt",
        classes: "ade20k",
        ids: { "1-150": "0-149" },
        ignore: [0],
      },
      model: { preset: "caffe-pspnet50-ade20k" },
      crop: 473,
      batch: 16,
      epochs: 119,
      validation: { every: 1000 },
    },
    depths: [
      { layers: 50, as: 50 },
      { layers: 101, as: 101, backbone: { strideIn: "3x3" } },
      { layers: 152, as: 152, backbone: { strideIn: "3x3" } },
      { layers: 269, as: 269, backbone: { strideIn: "3x3" } },
    ],
    tests: { single: { protocol: "caffe" }, multi: { protocol: "caffe", scales: MULTI_SCALE } },
    scenes: null,
    jobs: 1,
    secondsPerTera: 3.7,
  },
} as const satisfies Record<string, Scale>;

export type ScaleName = keyof typeof SCALES;
