import { fromFloat32, type WritableTensor, writeSafetensors } from "@pspnet/checkpoints";
import { type GraphTensor, graphBackend } from "../graph/trace.js";
import type { ClassList } from "../image/classes.js";
import { numberedClasses } from "../image/classLists.js";
import type { PSPNetConfig } from "../model/config.js";
import { PSPNet } from "../model/pspnet.js";
import { initialise } from "../nn/state.js";
import { describeWeights } from "./modelFile.js";

export interface RandomWeightsOptions {
  readonly seed?: number;
  /** Left out, the classes are `class 0`, `class 1`, ... in PASCAL VOC's colours. */
  readonly classes?: ClassList;
}

/** A weights file of a network that knows nothing, made without an engine. */
export function randomWeights(
  config: PSPNetConfig,
  { seed = 0, classes = numberedClasses(config.classes) }: RandomWeightsOptions = {},
): Uint8Array {
  const model = new PSPNet(config);
  initialise(model, graphBackend, { seed });
  const tensors = new Map<string, WritableTensor>();
  for (const [name, parameter] of model.stateDict()) {
    const { source } = parameter.as<GraphTensor>();
    if (source.kind !== "constant") continue;
    tensors.set(name, { dtype: "float32", shape: parameter.shape, bytes: fromFloat32(source.data, "float32") });
  }
  return writeSafetensors(tensors, describeWeights({ config, classes, crop: 473, licence: "" }));
}
