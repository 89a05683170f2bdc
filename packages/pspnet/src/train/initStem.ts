import { inputChannels, type PSPNet, type PSPNetConfig, type State, type StateTensor } from "@pspnet/core";
import { counted } from "../report/counted.js";

/** Channels of photographs, which published weights look at. */
export const PHOTOGRAPH = 3;

/**
 * The weights of a network that looks at photographs, for one that looks at other numbers of channels; others as they are, without `how`.
 *
 * The first convolution's are summed for one channel; for others they are repeated in turn and scaled by 3 / channels, so that what it
 * makes is about as large as before (timm's `adapt_input_conv`).
 */
export function withStemFor(
  model: PSPNet,
  { state, input }: { readonly state: State; readonly input?: PSPNetConfig["input"] },
): { readonly state: State; readonly how?: string } {
  // The backbone comes first in a network, and its stem in a backbone.
  const [[name, { shape }]] = model.stateDict();
  const stem = state.get(name);
  const channels = inputChannels(model.config.input);
  if (channels === PHOTOGRAPH || stem?.shape[1] !== PHOTOGRAPH) return { state };
  const order = input?.channelOrder === "bgr" ? [2, 1, 0] : [0, 1, 2];
  const float32 = () => (channels === 1 ? summed(stem) : repeated(stem, { order, channels }));
  const how = channels === 1 ? "summed" : `repeated in turn and scaled by ${PHOTOGRAPH}/${channels}`;
  return {
    state: new Map([...state, [name, { shape: [stem.shape[0], ...shape.slice(1)], dtype: "float32", float32 }]]),
    how: `${name} of red, green and blue ${how} for ${counted(channels, "channel")}`,
  };
}

function summed(stem: StateTensor): Float32Array {
  const [outputs, inputs, height, width] = stem.shape;
  const size = height * width;
  const values = stem.float32();
  const made = new Float32Array(outputs * size);
  for (let o = 0; o < outputs; o++)
    for (let i = 0; i < inputs * size; i++) made[o * size + (i % size)] += values[o * inputs * size + i];
  return made;
}

/** @param options.order where red, green and blue stand. */
function repeated(
  stem: StateTensor,
  { order, channels }: { readonly order: readonly number[]; readonly channels: number },
): Float32Array {
  const [outputs, inputs, height, width] = stem.shape;
  const size = height * width;
  const values = stem.float32().map((value) => (value * inputs) / channels);
  const made = new Float32Array(outputs * channels * size);
  for (let o = 0; o < outputs; o++)
    for (let c = 0; c < channels; c++) {
      const from = (o * inputs + order[c % inputs]) * size;
      made.set(values.subarray(from, from + size), (o * channels + c) * size);
    }
  return made;
}
