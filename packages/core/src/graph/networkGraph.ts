import type { State } from "@pspnet/checkpoints";
import { inputChannels } from "../image/normalise.js";
import type { PSPNetConfig } from "../model/config.js";
import { partOf } from "../model/parts.js";
import { PSPNet } from "../model/pspnet.js";
import { loadStateDict } from "../nn/state.js";
import { symbol } from "./dim.js";
import type { Graph } from "./graph.js";
import { type GraphTensor, graphBackend, trace } from "./trace.js";

/**
 * The graph of a PSPNet with the weights of `state`, any number and size of images: input `image` `[n, c, h, w]`, normalised;
 * output `logits` `[n, classes, h/8, w/8]`. Needs no engine.
 *
 * @throws PspnetError "weights" when `state` does not fit.
 */
export function networkGraph(config: PSPNetConfig, state: State): Graph {
  const model = predictor(config);
  loadStateDict(model, state, { backend: graphBackend, keep: (name) => partOf(name) === "auxiliary" });
  return tracePredictor(model, (x) => model.forward(x).out);
}

/** The network as it predicts: in evaluation, without auxiliary head. */
export function predictor(config: PSPNetConfig): PSPNet {
  return new PSPNet({ ...config, auxiliary: { kind: "none" } }).eval();
}

/** The same network without values, for what follows from shapes alone. */
export function predictorShapes(config: PSPNetConfig): PSPNet {
  const model = predictor(config);
  const none = new Float32Array();
  for (const parameter of model.stateDict().values()) parameter.value = graphBackend.tensor(none, parameter.shape);
  return model;
}

/** The graph of what `logits` makes of images by a network whose parameters have their values. */
export function tracePredictor(model: PSPNet, logits: (x: GraphTensor) => GraphTensor): Graph {
  const shape = [symbol("n"), inputChannels(model.config.input), symbol("h"), symbol("w")];
  return trace(model, { name: "image", shape }, (x) => ({ logits: logits(x) }));
}
