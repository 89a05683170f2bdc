import type { ProtocolRules } from "../protocols/protocol.js";
import type { AlignCorners } from "../tensor/alignCorners.js";
import { linearAxis, type ResizeAxis, smoothAxis } from "../tensor/resizeAxis.js";

/** How maps of one scale become the image's. */
export interface ImageResize {
  /** Of the enlargement of the network's logits. */
  readonly alignCorners: AlignCorners;
  readonly rules: Pick<ProtocolRules, "image" | "softmax">;
}

/** From one side of the image at a scale to the image's own. */
export function imageAxis(source: number, target: number, { alignCorners, rules }: ImageResize): ResizeAxis {
  if (rules.image === "matlab") return smoothAxis(source, target, { edges: "mirrored" });
  return linearAxis(source, target, { alignCorners: rules.image === "network" && alignCorners });
}
