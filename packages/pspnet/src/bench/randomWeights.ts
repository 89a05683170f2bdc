import {
  describeWeights,
  fromFloat32,
  type GraphTensor,
  graphBackend,
  IMAGENET,
  initialise,
  PSPNet,
  type PSPNetConfig,
  vocPalette,
  type WritableTensor,
  writeSafetensors,
} from "@pspnet/core";

/** A weights file of a network that knows nothing, made without an engine. */
export function randomWeights(config: PSPNetConfig, { seed = 0 }: { readonly seed?: number } = {}): Uint8Array {
  const model = new PSPNet(config);
  initialise(model, graphBackend, { seed });
  const tensors = new Map<string, WritableTensor>();
  for (const [name, parameter] of model.stateDict()) {
    const { source } = parameter.as<GraphTensor>();
    if (source.kind !== "constant") continue;
    tensors.set(name, { dtype: "float32", shape: parameter.shape, bytes: fromFloat32(source.data, "float32") });
  }
  const names = Array.from({ length: config.classes }, (_, id) => `class ${id}`);
  const classes = { names, palette: vocPalette(config.classes) };
  return writeSafetensors(tensors, describeWeights({ ...IMAGENET, config, classes, crop: 473, licence: "" }));
}
