import { count, flag, oneOf, optional, type ValuesOf } from "../config/field.js";
import { PspnetError } from "../error.js";
import { Conv2d, ReLU, Sequential } from "../nn/layers.js";
import type { Layer } from "../nn/module.js";
import type { PyramidContext } from "./pyramid.js";

/** What a pyramid is told of its levels. */
export const levelFields = {
  channels: optional(count({ meaning: "outputs of each level; null: features / levels (the paper's DR)" })),
  norm: oneOf(["all", "above1", "none"], {
    default: "all",
    meaning: "levels with batch norm: all, those of more than one cell (segmentation_models), or none (Lextal)",
  }),
  bias: oneOf(["none", "unnormalised", "all"], {
    default: "none",
    meaning:
      "levels whose convolution has a bias: none, those without batch norm (segmentation_models), all (PaddleSeg)",
  }),
  relu: flag({ default: true, meaning: "whether a ReLU ends each level; Lextal has none" }),
};

export type LevelConfig = ValuesOf<typeof levelFields>;

/** Outputs of each of so many levels. */
export function levelChannels(
  { channels }: Pick<LevelConfig, "channels">,
  { input, levels, key }: { readonly input: number; readonly levels: readonly number[]; readonly key: string },
): number {
  if (channels !== null) return channels;
  if (input >= levels.length) return Math.floor(input / levels.length);
  const expected = `at most as many levels as features (${input})`;
  throw new PspnetError("config", `pyramid.${key}: expected ${expected}, found ${JSON.stringify(levels)}`);
}

/** Pooling, then a 1x1 convolution, batch norm and ReLU, as far as they are there. */
export function pyramidLevel(
  pool: Layer,
  config: Omit<LevelConfig, "channels">,
  { input, output, norm, oneCell }: PyramidContext & { readonly output: number; readonly oneCell: boolean },
): Sequential {
  const normed = config.norm === "all" || (config.norm === "above1" && !oneCell);
  const bias = config.bias === "all" || (config.bias === "unnormalised" && !normed);
  return new Sequential(
    pool,
    new Conv2d([input, output], { kernel: 1, bias }),
    ...(normed ? [norm(output)] : []),
    ...(config.relu ? [new ReLU()] : []),
  );
}
