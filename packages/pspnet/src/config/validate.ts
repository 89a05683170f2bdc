import { resolve } from "node:path";
import { alignedSides, alignedSize, type Crop, cropSize, inputChannels, PspnetError, presetNamed } from "@pspnet/core";
import { seconds } from "./duration.js";
import { initPath } from "./initPath.js";
import { parseBy, type Source } from "./parseBy.js";
import { type TrainConfig, type TrainConfigInput, trainConfigSchema } from "./schema.js";

/**
 * Checks a configuration, fills in the defaults, and makes the paths of dataset and `init` absolute, so that they mean the same wherever
 * it is read again; doing it twice does no harm.
 *
 * @param source is named in errors: who gave the configuration, or which key of it.
 * @throws PspnetError "config" naming each wrong key, what was expected, and the nearest known key.
 */
export function validateTrainConfig(given: TrainConfigInput, source: string | Source): TrainConfig {
  const from = typeof source === "string" ? () => source : source;
  const crop = given.crop ?? presetNamed(given.model?.preset)?.crop;
  const parsed = parseBy(trainConfigSchema, { ...given, crop }, { source: from, code: "config" });
  const config = given.crop === undefined ? { ...parsed, crop: aligned(parsed) } : parsed;
  checkRelations(config, from);
  const { data, init } = config;
  return { ...config, data: { ...data, root: resolve(data.root) }, init: init === null ? null : initPath(init) };
}

/** A crop that nobody gave, or the next that the network takes. */
function aligned({ crop, model }: TrainConfig): Crop {
  const { height, width } = alignedSize(cropSize(crop), model);
  return height === width ? height : [height, width];
}

function checkRelations(
  { accumulate, augment, batch, budget, crop, freeze, model }: TrainConfig,
  source: Source,
): void {
  const fail = (path: readonly string[], message: string) => {
    throw new PspnetError("config", `${source(path)}: ${path.join(".")}: ${message}`);
  };
  if (batch % accumulate !== 0) fail(["batch"], `expected a multiple of accumulate=${accumulate}, found ${batch}`);
  if (budget !== null && seconds(budget) === 0)
    fail(["budget"], `expected a time above 0, found ${budget}; leave it out to train for all epochs`);
  if (augment.scaleMin > augment.scaleMax)
    fail(["augment", "scaleMin"], `expected at most scaleMax=${augment.scaleMax}, found ${augment.scaleMin}`);
  const channels = inputChannels(model.input);
  if (augment.photometric && channels !== 3)
    fail(
      ["augment", "photometric"],
      `expected false for images of ${channels} channels (model.input.mean), found true`,
    );
  const { kind } = model.backbone;
  if (typeof freeze === "number" && kind !== "resnet")
    fail(["freeze"], `expected none or backbone for a ${kind}, whose stages have no numbers, found ${freeze}`);
  const size = cropSize(crop);
  const above = alignedSize(size, model);
  for (const [i, side] of (["height", "width"] as const).entries()) {
    if (size[side] === above[side]) continue;
    const { step, offset } = alignedSides(model);
    const [sides, why] =
      offset === 1
        ? [`${step}n+1`, "so that the first and last features stand on the corners of the crop"]
        : [`${step}n`, "so that each feature stands for as many pixels"];
    const path = typeof crop === "number" ? ["crop"] : ["crop", String(i)];
    fail(path, `expected ${sides}, ${why}, found ${size[side]}; take ${above[side] - step} or ${above[side]}`);
  }
}
