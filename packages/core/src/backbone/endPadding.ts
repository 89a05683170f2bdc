import { kaimingNormal } from "../nn/initialisers.js";
import { Conv2d, type Conv2dLayerOptions, MaxPool2d } from "../nn/layers.js";
import type { Tensor } from "../tensor/tensor.js";

/** Zeros as TensorFlow's SAME puts them around an image of even sides that a kernel strides over by 2: one more on the right and bottom. */
function padded<T extends Tensor>(x: T, kernel: number): T {
  const before = (kernel - 3) / 2;
  return x.pad([before, before + 1, before, before + 1]);
}

export class EndPaddedConv2d extends Conv2d {
  constructor(channels: readonly [number, number], options: Omit<Conv2dLayerOptions, "padding">) {
    super(channels, { init: kaimingNormal, ...options });
  }

  protected override compute<T extends Tensor>(x: T): T {
    return super.compute(padded(x, this.weight.shape[2]));
  }
}

/** Of values that are not negative: zeros change no maximum then. */
export class EndPaddedMaxPool2d extends MaxPool2d {
  protected override compute<T extends Tensor>(x: T): T {
    return super.compute(padded(x, this.options.kernelSize));
  }
}
