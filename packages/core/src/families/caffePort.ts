/** What the ports of Caffe's network to Keras and TensorFlow share. */
import type { CaffeParameter, CaffeTensor } from "./caffeNames.js";
import { fromHwio } from "./changes.js";

/** A parameter by its name: of a convolution, or of a batch norm. */
export type PortParameters = Readonly<Record<string, CaffeParameter>>;

/** The last two parts of a name, `conv5_4_bn/gamma`; a layer that ends in `_bn` is a batch norm. */
export function readPort(name: string, parameters: PortParameters): CaffeTensor | null {
  const [parameter, layer] = name.split(/[/.]/).reverse();
  if (layer === undefined || !Object.hasOwn(parameters, parameter)) return null;
  const norm = layer.endsWith("_bn");
  return { layer: norm ? layer.slice(0, -"_bn".length) : layer, norm, parameter: parameters[parameter] };
}

export const port = {
  kernel: fromHwio,
  strideIn: () => ["1x1", "the port strides in conv3_1_1x1_reduce, whatever the depth"] as const,
};

/** TensorFlow's SAME padding at sides of 8n. */
export const EVEN_SIDES = {
  backbone: { stemPadding: "end" },
  upsampling: { sizes: "8n" },
} as const;
