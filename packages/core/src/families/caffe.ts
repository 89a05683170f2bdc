import { type CaffePort, caffeFamily } from "./caffeFamily.js";
import type { CaffeParameter, CaffeTensor } from "./caffeNames.js";

/** The blobs of a layer in their order: BN's are its slope, bias, mean and variance. */
const BLOBS: readonly CaffeParameter[] = ["weight", "bias", "running_mean", "running_var"];

/** The blobs of a `.caffemodel`: `conv3_1_3x3/bn.2`. */
function read(name: string): CaffeTensor | null {
  const found = /^(.+?)(\/bn)?[./]([0-3])$/.exec(name);
  return found && { layer: found[1], norm: found[2] !== undefined, parameter: BLOBS[Number(found[3])] };
}

const strideIn: CaffePort["strideIn"] = (layers) =>
  layers === 50
    ? ["1x1", "pspnet50_ADE20K_473.prototxt strides in conv3_1_1x1_reduce"]
    : ["3x3", "the prototxts of PSPNet-101 stride in conv3_1_3x3"];

export const caffe = caffeFamily({
  name: "caffe",
  title: "the official Caffe release (hszhao/PSPNet)",
  read,
  strideIn,
});
