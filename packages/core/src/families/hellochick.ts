import { CITYSCAPES } from "../image/classLists.js";
import { caffeFamily } from "./caffeFamily.js";
import { EVEN_SIDES, port } from "./caffePort.js";
import { readVariable } from "./tensorflowVariables.js";

/** Its SAME padding is Caffe's at sides of 8n+1, such as the 473 and 713 that it trains on; but Cityscapes it predicts at 720. */
export const hellochick = caffeFamily({
  ...port,
  name: "hellochick",
  title: "the port to TensorFlow, hellochick/PSPNet-tensorflow",
  read: readVariable,
  otherwise: (classes) =>
    classes === CITYSCAPES.names.length
      ? {
          fields: EVEN_SIDES,
          crop: 720,
          assumed: [
            { key: "backbone.stemPadding", why: "it predicts Cityscapes at 720, where SAME pads the right and bottom" },
          ],
        }
      : null,
});
