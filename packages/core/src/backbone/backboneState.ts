import type { State, StateTensor } from "@pspnet/checkpoints";
import { withoutPrefix } from "../nn/state.js";

/**
 * A classification network's weights under the names of PSPNet's backbone: torchvision's ResNets (`conv1`, `bn1`,
 * `layer1`...), the official release's deep-stem ones (`conv1` to `conv3`, `bn1` to `bn3`), and files that have PSPNet's
 * names already. The classifier `fc` is dropped.
 */
export function backboneStateFrom(state: State): Map<string, StateTensor> {
  const renamed = new Map<string, StateTensor>();
  for (const [name, tensor] of withoutPrefix(state, "module."))
    if (!name.startsWith("fc.")) renamed.set(name.replace(/^(conv|bn)([123])\./, stemName), tensor);
  return renamed;
}

/** The stem is convolution, batch norm, ReLU, and so on: conv2 is layer0.3, bn2 layer0.4. */
function stemName(_match: string, kind: string, position: string): string {
  return `layer0.${(Number(position) - 1) * 3 + (kind === "bn" ? 1 : 0)}.`;
}
