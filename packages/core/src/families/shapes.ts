/** What shapes tell of a network whose tensors stand under our names. */
import type { State } from "@pspnet/checkpoints";
import type { Depth } from "../backbone/resnet.js";

/** Depth, stem and width of a residual backbone; null when its tensors make none. */
export function resNetFields(state: State) {
  const planes = state.get("layer1.0.conv1.weight")?.shape[0];
  const kernel = state.get("layer0.0.weight")?.shape[2];
  if (planes === undefined || kernel === undefined) return null;
  const convolutions = state.has("layer1.0.conv3.weight") ? 3 : 2;
  const blocks = [1, 2, 3, 4].reduce((sum, stage) => sum + countOf(state, `layer${stage}.`, ".conv1.weight"), 0);
  const stemChannels = [0, 3, 6].flatMap((layer) => state.get(`layer0.${layer}.weight`)?.shape[0] ?? []);
  return {
    layers: (blocks * convolutions + 2) as Depth,
    stem: kernel === 3 ? ("deep" as const) : ("plain" as const),
    stemChannels,
    width: planes,
  };
}

/** Cells a side of the levels in every published network. */
export const BINS = [1, 2, 3, 6];

/** Pyramid, heads and number of classes of a network with the official release's heads; null when there is no such head. */
export function headFields(state: State) {
  const classes = state.get("cls.4.weight")?.shape[0];
  const channels = state.get("cls.0.weight")?.shape[0];
  if (classes === undefined || channels === undefined) return null;
  const levels = countOf(state, "ppm.features.", ".1.weight");
  const auxiliary = state.get("aux.0.weight")?.shape[0];
  return {
    classes,
    pyramid: levels === 0 ? { kind: "none" as const } : { bins: BINS.slice(0, levels) },
    head: { channels },
    auxiliary: auxiliary === undefined ? { kind: "none" as const } : { channels: auxiliary },
  };
}

/** How many `prefix{i}suffix` there are to the last, from 0 up. */
export function countOf(state: State, prefix: string, suffix: string): number {
  const inside = [...state.keys()].filter((name) => name.startsWith(prefix) && name.endsWith(suffix));
  return 1 + Math.max(-1, ...inside.map((name) => Number(name.slice(prefix.length, -suffix.length))));
}
