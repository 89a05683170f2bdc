import type { StateTensor } from "@pspnet/checkpoints";
import type { Fate } from "./family.js";

/** A pattern of names, and what such a name is here; or why such tensors are left out. */
export type Rule = readonly [
  pattern: RegExp,
  ours: string | ((whole: string, ...groups: string[]) => string) | { readonly drop: string },
];

/** What becomes of a name by the first rule that it fits; null when none does. */
export function fateByRules(name: string, rules: readonly Rule[]): Fate | null {
  for (const [pattern, ours] of rules) {
    if (!pattern.test(name)) continue;
    if (typeof ours === "object") return ours;
    return { name: typeof ours === "string" ? name.replace(pattern, ours) : name.replace(pattern, ours) };
  }
  return null;
}

/** The place of a convolution, or else its batch norm, in a row of convolution, batch norm and ReLU that begins at `first`. */
export function placeInRow(first: number, layer: string): number {
  return layer === "conv" ? first : first + 1;
}

/** Blocks of residual stages, which most name alike, below a prefix. */
export function residualRule(prefix: string): Rule {
  const part = "(?:conv[123]|bn[123]|downsample\\.[01])\\.\\w+";
  return [new RegExp(`^${prefix}(layer[1-4]\\.\\d+\\.${part})$`), "$1"];
}

/** Stems of convolutions `conv1`, `conv2`, `conv3` and batch norms `bn1` ... below a prefix. */
export function stemRule(prefix: string): Rule {
  const place = (_: string, layer: string, position: string) =>
    `layer0.${placeInRow(3 * (Number(position) - 1), layer)}.`;
  return [new RegExp(`^${prefix}(conv|bn)([123])\\.(?=\\w+$)`), place];
}

/** MobileNetV2 with its layers in a row, `features.2.conv.0` to `7`, which torchvision puts in groups of convolution and norm. */
export function plainMobileNetRule(prefix: string): Rule {
  const place = (_: string, block: string, layer: string) => {
    const groups = block === "1" ? ["0.0", "0.1", "", "1", "2"] : ["0.0", "0.1", "", "1.0", "1.1", "", "2", "3"];
    return `features.${block}.conv.${groups[Number(layer)]}.`;
  };
  return [new RegExp(`^${prefix}features\\.(\\d+)\\.conv\\.(\\d)\\.(?=\\w+$)`), place];
}

/** In the shortcuts of ResNet-d an average stands first: their convolution is `downsample.1`, their batch norm `downsample.2`. */
export function withoutAverage(name: string, { shape }: StateTensor): string {
  const averaged = name.includes(".downsample.2.") || (name.endsWith(".downsample.1.weight") && shape.length === 4);
  const place = (_: string, position: string) => `.downsample.${Number(position) - 1}.`;
  return averaged ? name.replace(/\.downsample\.([12])\./, place) : name;
}

/** Whether the shortcuts that stride are those of ResNet-d. */
export function hasAverages(names: Iterable<string>): boolean {
  return [...names].some((name) => /(^|\.)layer2\.0\.downsample\.2\./.test(name));
}
