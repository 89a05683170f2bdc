import { DEPTHS, type Depth } from "../backbone/resnet.js";
import type { Size } from "../image/image.js";
import { type PSPNetConfig, pspnetConfig } from "../model/config.js";
import { alignedSize } from "../model/logits.js";
import { PSPNet } from "../model/pspnet.js";
import { parameterCount } from "../nn/module.js";
import { totalMultiplyAdds } from "./cost.js";
import { predictor, tracePredictor } from "./networkGraph.js";
import { inferShapes } from "./shapes.js";
import { type GraphTensor, graphBackend } from "./trace.js";

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

export interface StandardModel extends ModelCost, Pick<PSPNetConfig, "classes"> {
  readonly name: string;
  readonly layers: Depth;
  readonly stem: (typeof STEMS)[number];
}

/** Classes of ADE20K, PASCAL VOC 2012 and Cityscapes. */
const CLASSES = [150, 21, 19];
const STEMS = ["deep", "plain"] as const;

export interface StandardModelOptions {
  /** Only networks with this number of classes. */
  readonly classes?: number;
  /** Of the image; where the network wants another it is padded to that. */
  readonly size: Size;
}

/** The depths, stems and classes of the published networks, with their costs. Computes nothing and needs no engine. */
export function standardModels({ classes, size }: StandardModelOptions): StandardModel[] {
  return (classes === undefined ? CLASSES : [classes]).flatMap((count) =>
    DEPTHS.flatMap((layers) =>
      STEMS.map((stem) => {
        const config = pspnetConfig({ classes: count, backbone: { layers, stem } });
        return { name: `PSPNet-${layers}`, layers, stem, classes: count, ...modelCost(config, size) };
      }),
    ),
  );
}

/** Of an image of that size. */
export function modelCost(config: PSPNetConfig, size: Size): ModelCost {
  const { height, width } = alignedSize(size, config);
  const shape = [1, 3, height, width];
  const model = predictor(config);
  // Costs follow from shapes alone.
  const none = new Float32Array();
  for (const parameter of model.stateDict().values()) parameter.value = graphBackend.tensor(none, parameter.shape);
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
