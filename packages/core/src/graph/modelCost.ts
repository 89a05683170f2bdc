import { cropSize } from "../image/crop.js";
import type { Size } from "../image/image.js";
import { inputChannels } from "../image/normalise.js";
import { type PSPNetConfig, pspnetConfig } from "../model/config.js";
import { alignedSize } from "../model/logits.js";
import { PSPNet } from "../model/pspnet.js";
import { parameterCount } from "../nn/module.js";
import type { Preset } from "../presets/preset.js";
import { PRESETS } from "../presets/presets.js";
import { totalMultiplyAdds } from "./cost.js";
import { predictorShapes, tracePredictor } from "./networkGraph.js";
import { inferShapes } from "./shapes.js";
import type { GraphTensor } from "./trace.js";

/** What a network costs. */
export interface ModelCost {
  /** Trained values, the auxiliary head's included. */
  readonly parameters: number;
  /** Trained values without the auxiliary head, which prediction does not need. */
  readonly predictionParameters: number;
  /** 10^9 multiply-adds of one image: the paper's form, which concatenates the enlarged pyramid. */
  readonly direct: number;
  /** The same of the factorised head, which is what runs. */
  readonly factorised: number;
}

/** A published network with what it costs. */
export interface PublishedModel extends ModelCost, Omit<Preset, "parts"> {
  /** The image whose multiply-adds are counted. */
  readonly size: Size;
}

export interface PublishedModelOptions {
  /** In place of the classes that it was published for. */
  readonly classes?: number;
  /** Of the image; where the network wants another it is padded to that. Left out, a crop. */
  readonly size?: Size;
}

/** The presets with their costs. Computes nothing and needs no engine. */
export function publishedModels({ classes, size }: PublishedModelOptions = {}): PublishedModel[] {
  return PRESETS.map(({ parts: _, ...preset }) => {
    const given = { ...preset, classes: classes ?? preset.classes, size: size ?? cropSize(preset.crop) };
    const config = pspnetConfig({ classes: given.classes, preset: preset.name });
    return { ...given, ...modelCost(config, given.size) };
  });
}

/** Of an image of that size. */
export function modelCost(config: PSPNetConfig, size: Size): ModelCost {
  const { height, width } = alignedSize(size, config);
  const shape = [1, inputChannels(config.input), height, width];
  const model = predictorShapes(config);
  const giga = (logits: (x: GraphTensor) => GraphTensor) => {
    const graph = tracePredictor(model, logits);
    return totalMultiplyAdds(graph, inferShapes(graph, { image: shape }))! / 1e9;
  };
  return {
    parameters: parameterCount(new PSPNet(config)),
    predictionParameters: parameterCount(model),
    direct: giga((x) => forwardDirect(model, x)),
    factorised: giga((x) => model.forward(x).out),
  };
}

function forwardDirect({ backbone, ppm, cls }: PSPNet, x: GraphTensor): GraphTensor {
  const { last } = backbone.features(x);
  return cls.forward(ppm ? ppm.forward(last) : last);
}
