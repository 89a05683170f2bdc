/** How other programs' tensors become as ours are. */
import type { StateTensor } from "@pspnet/checkpoints";
import type { Change } from "./family.js";

/** A vector that other dimensions of size 1 surround. */
export const flattened: Change = {
  how: "flattened to [channels]",
  apply: (tensor) => ({
    shape: [tensor.shape.reduce((product, size) => product * size, 1)],
    dtype: tensor.dtype,
    float32: () => tensor.float32(),
  }),
};

/** A convolution's kernel as TensorFlow keeps it, `[height, width, input, output]`. */
export const fromHwio: Change = {
  how: "[height, width, input, output] permuted to [output, input, height, width]",
  apply(tensor) {
    const [height, width, input, output] = tensor.shape;
    return { shape: [output, input, height, width], dtype: tensor.dtype, float32: () => outputFirst(tensor) };
  },
};

function outputFirst(tensor: StateTensor): Float32Array {
  const [height, width, input, output] = tensor.shape;
  const places = height * width;
  const values = tensor.float32();
  const found = new Float32Array(values.length);
  let from = 0;
  for (let place = 0; place < places; place++)
    for (let i = 0; i < input; i++)
      for (let o = 0; o < output; o++) found[(o * input + i) * places + place] = values[from++];
  return found;
}
