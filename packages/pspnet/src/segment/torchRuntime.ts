import { setImmediate } from "node:timers/promises";
import type { LabelMap, PSPNet, RgbImage } from "@pspnet/core";
import { backend, type Tensor } from "@pspnet/torch";
import { type EngineOptions, openEngine } from "./engine.js";
import { type Protocol, WHOLE_IMAGE, windowTotal } from "./protocol.js";
import type { AskOptions, Runtime } from "./runtime.js";
import { Segmenter } from "./segmenter.js";
import { buildModel, type Weights } from "./weights.js";

/**
 * The network on libtorch.
 *
 * @throws PspnetError "environment" when its addon is not built or does not load, or has no such device.
 */
export function openTorchRuntime(weights: Weights, options: EngineOptions): Runtime {
  const engine = openEngine(options);
  const model = buildModel(weights, backend({ device: engine.device }));
  return new TorchRuntime(model, new Segmenter({ model, engine, input: weights.description }));
}

class TorchRuntime implements Runtime {
  readonly name = "torch";
  readonly #model: PSPNet;
  readonly #segmenter: Segmenter;

  constructor(model: PSPNet, segmenter: Segmenter) {
    this.#model = model;
    this.#segmenter = segmenter;
  }

  labels(image: RgbImage, protocol: Protocol, options?: AskOptions): Promise<LabelMap> {
    return this.#ask(() => this.#segmenter.labels(image, protocol), { image, protocol, ...options });
  }

  probabilities(image: RgbImage, protocol: Protocol, options?: AskOptions): Promise<Float32Array> {
    return this.#ask(() => this.#segmenter.probabilities(image, protocol), { image, protocol, ...options });
  }

  logits(image: RgbImage, options?: AskOptions): Promise<Float32Array> {
    return this.#ask(() => this.#segmenter.logits(image), { image, protocol: WHOLE_IMAGE, ...options });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const parameter of this.#model.stateDict().values()) parameter.as<Tensor>().dispose();
  }

  async #ask<R>(
    work: () => R | Promise<R>,
    { image, protocol, signal, onWindow }: AskOptions & { readonly image: RgbImage; readonly protocol: Protocol },
  ): Promise<R> {
    // Timers and an abort get their turn between two images.
    await setImmediate();
    signal?.throwIfAborted();
    const answer = await work();
    signal?.throwIfAborted();
    const total = windowTotal(image, protocol);
    onWindow?.(total, total);
    return answer;
  }
}
