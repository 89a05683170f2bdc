import { alignedSize, PspnetError } from "@pspnet/core";
import { explainAll } from "./explain.js";
import { seconds, type TrainConfig, type TrainConfigInput, trainConfigSchema } from "./schema.js";
import { inWords } from "./words.js";

/**
 * Checks a configuration and fills in the defaults; doing it twice does no harm.
 *
 * @param source is named in errors.
 * @throws PspnetError "config" naming each wrong key, what was expected, and the nearest known key.
 */
export function validateTrainConfig(config: TrainConfigInput, source: string): TrainConfig {
  const result = trainConfigSchema.safeParse(config, { error: inWords });
  if (result.success) return checkRelations(result.data, source);
  throw new PspnetError("config", explainAll(result.error, source));
}

function checkRelations(config: TrainConfig, source: string): TrainConfig {
  const { accumulate, augment, batch, budget, crop, model } = config;
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
  return config;
}
