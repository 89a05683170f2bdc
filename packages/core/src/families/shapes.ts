/** What shapes tell of a network whose tensors stand under our names. */
import type { State } from "@pspnet/checkpoints";
import { DENSE_DEPTHS, DENSE_VARIANTS } from "../backbone/densenet.js";
import { BLOCKS, DEPTHS, type Depth } from "../backbone/resnet.js";

/** Depth, stem, width and groups of a residual backbone; null when its tensors make none. Of a truncated one the least depth. */
export function resNetFields(state: State) {
  const inner = state.get("layer1.0.conv1.weight")?.shape[0];
  const grouped = state.get("layer1.0.conv2.weight")?.shape[1];
  const kernel = state.get("layer0.0.weight")?.shape[2];
  if (inner === undefined || grouped === undefined || kernel === undefined) return null;
  const outputs = state.get("layer1.0.conv3.weight")?.shape[0];
  const planes = outputs === undefined ? inner : outputs / 4;
  const groups = inner / grouped;
  const groupWidth = (grouped * 64) / planes;
  const stemChannels = [0, 3, 6].flatMap((layer) => state.get(`layer0.${layer}.weight`)?.shape[0] ?? []);
  return {
    layers: depthOf(state),
    stem: kernel === 3 ? ("deep" as const) : ("plain" as const),
    stemChannels,
    width: planes,
    ...((groups !== 1 || inner !== planes) && { groups, groupWidth }),
  };
}

/** The depth whose stages begin as those that are there. */
function depthOf(state: State): Depth {
  const convolutions = state.has("layer1.0.conv3.weight") ? 3 : 2;
  const counts = [1, 2, 3, 4].map((stage) => countOf(state, `layer${stage}.`, ".conv1.weight"));
  const found = DEPTHS.find(
    (depth) =>
      depth >= 50 === (convolutions === 3) && counts.every((count, i) => count === 0 || count === BLOCKS[depth][i]),
  );
  return found ?? ((counts.reduce((sum, count) => sum + count, 0) * convolutions + 2) as Depth);
}

/** Cells a side of the levels in every published network. */
export const BINS = [1, 2, 3, 6];

/** Levels of a pyramid; null where there is none. */
export function levelFields(state: State) {
  const levels = countOf(state, "ppm.features.", ".1.weight");
  const shape = state.get("ppm.features.0.1.weight")?.shape;
  if (levels === 0 || !shape) return null;
  const [channels, input] = shape;
  return { bins: BINS.slice(0, levels), ...(channels !== Math.floor(input / levels) && { channels }) };
}

/** Pyramid, heads and number of classes of a network with the official release's heads; null when there is no such head. */
export function headFields(state: State) {
  const classes = state.get("cls.4.weight")?.shape[0];
  const channels = state.get("cls.0.weight")?.shape[0];
  if (classes === undefined || channels === undefined) return null;
  const auxiliary = state.get("aux.0.weight")?.shape[0];
  return {
    classes,
    pyramid: levelFields(state) ?? { kind: "none" as const },
    head: { channels },
    auxiliary: auxiliary === undefined ? { kind: "none" as const } : { channels: auxiliary },
  };
}

/** Parts and number of classes of a network with a residual backbone and the official release's heads; null when there is none. */
export function residualFields(state: State) {
  const backbone = resNetFields(state);
  const heads = headFields(state);
  if (!backbone || !heads) return null;
  const { classes, ...others } = heads;
  return { classes, parts: { backbone, ...others } };
}

/** Channels of the first and the last stage of a MobileNetV2 that is as wide as published. */
const [FIRST, LAST] = [16, 320];
/** What numbers of channels are rounded to multiples of: in most programs, and in those that do not round so. */
const DIVISORS = [8, 1];

/** Width of a MobileNetV2 of seven stages, or of fewer that are as wide as published; null when its tensors make none. */
export function mobileNetFields(state: State) {
  const first = state.get("features.1.conv.1.weight")?.shape[0];
  if (first === undefined || !state.has("features.6.conv.2.weight")) return null;
  const last = state.get("features.17.conv.2.weight")?.shape[0];
  if (last === undefined) {
    const stages = state.has("features.13.conv.2.weight") ? (5 as const) : (3 as const);
    return { kind: "mobilenetv2" as const, stages, multiplier: first / FIRST };
  }
  const multiplier = last / LAST;
  const rounded = (divisor: number) => Math.max(divisor, Math.round((FIRST * multiplier) / divisor) * divisor);
  const divisor = DIVISORS.find((one) => rounded(one) === first);
  return { kind: "mobilenetv2" as const, multiplier, ...(divisor && { divisor }) };
}

/** Depth, width and growth of a DenseNet; null when its tensors make none. Of a truncated one the least depth. */
export function denseNetFields(state: State) {
  const width = state.get("features.conv0.weight")?.shape[0];
  const growth = state.get("features.denseblock1.denselayer1.conv2.weight")?.shape[0];
  const counts = [1, 2, 3, 4].map(
    (block) => countOf(state, `features.denseblock${block}.denselayer`, ".conv1.weight") - 1,
  );
  const stages = counts.filter((count) => count > 0).length;
  const layers = DENSE_DEPTHS.find((depth) =>
    DENSE_VARIANTS[depth].blocks.every((length, i) => i >= stages || length === counts[i]),
  );
  if (width === undefined || growth === undefined || layers === undefined) return null;
  return { kind: "densenet" as const, layers, width, growth, ...(stages < 4 && { stages: stages as 2 | 3 }) };
}

/** Width of a SqueezeNet; null when its tensors make none. */
export function squeezeNetFields(state: State) {
  const width = state.has("features.3.squeeze.weight") ? state.get("features.0.weight")?.shape[0] : undefined;
  return width === undefined ? null : { kind: "squeezenet" as const, width };
}

/** How many `prefix{i}suffix` there are to the last, from 0 up. */
export function countOf(state: State, prefix: string, suffix: string): number {
  const inside = [...state.keys()].filter((name) => name.startsWith(prefix) && name.endsWith(suffix));
  return 1 + Math.max(-1, ...inside.map((name) => Number(name.slice(prefix.length, -suffix.length))));
}
