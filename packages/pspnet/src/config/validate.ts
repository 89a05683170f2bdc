import { resolve } from "node:path";
import { alignedSize, PspnetError } from "@pspnet/core";
import { parseBy } from "./parseBy.js";
import { seconds, type TrainConfig, type TrainConfigInput, trainConfigSchema } from "./schema.js";

/**
 * Checks a configuration, fills in the defaults, and makes the paths of dataset and `init` absolute, so that they mean the same wherever
 * it is read again; doing it twice does no harm.
 *
 * @param source is named in errors.
 * @throws PspnetError "config" naming each wrong key, what was expected, and the nearest known key.
 */
export function validateTrainConfig(given: TrainConfigInput, source: string): TrainConfig {
  const config = parseBy(trainConfigSchema, given, { source, code: "config" });
  checkRelations(config, source);
  const { data, init } = config;
  return { ...config, data: { ...data, root: resolve(data.root) }, init: init === null ? null : resolve(init) };
}

function checkRelations({ accumulate, augment, batch, budget, crop, model }: TrainConfig, source: string): void {
  const fail = (message: string) => {
    throw new PspnetError("config", `${source}: ${message}`);
  };
  if (batch % accumulate !== 0) fail(`batch=${batch} is not divisible by accumulate=${accumulate}`);
  if (budget !== null && seconds(budget) === 0)
    fail(`budget=${budget}: expected a time above 0; leave it out to train for all epochs`);
  if (augment.scaleMin > augment.scaleMax)
    fail(`augment.scaleMin=${augment.scaleMin} is greater than augment.scaleMax=${augment.scaleMax}`);
  const { height: above } = alignedSize({ height: crop, width: crop }, model);
  if (crop !== above) {
    const stride = model.backbone.outputStride;
    fail(
      `crop: expected ${stride}n+1, so that the first and last features stand on the corners of the crop, found ${crop}; ` +
        `take ${above - stride} or ${above}`,
    );
  }
}
