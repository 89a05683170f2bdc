import { join } from "node:path";
import {
  checkFinite,
  fromFloat32,
  type PSPNet,
  PspnetError,
  readSafetensors,
  type StoredTensor,
  safetensorsPieces,
  type WritableTensor,
} from "@pspnet/core";
import type { SGD, Tensor } from "@pspnet/torch";
import type { TrainConfig } from "../config/schema.js";
import { validateTrainConfig } from "../config/validate.js";
import { atomicWrite } from "../files/atomicWrite.js";
import { readRegular } from "../files/readRegular.js";
import { tensorsOf } from "./network.js";
import type { WeightAverage } from "./weightAverage.js";

/** How far a run has come. With the weights and the momentum it is all that must survive. */
export interface TrainState {
  /** Epochs completed. */
  epoch: number;
  /** Batches done in the epoch after those. */
  batch: number;
  /** Optimiser steps done. */
  step: number;
  /** Seconds of training: steps and waiting for their batches, but neither validations nor saves. */
  seconds: number;
  /** Seconds of the run: steps, waiting, validations and all else, while it ran. */
  elapsed: number;
  /** Seconds that the last validation took. */
  validating: number;
  /** Of the loss, as they were given or measured; null: equal ones. */
  readonly classWeights: readonly number[] | null;
  best: { readonly epoch: number; readonly meanIoU: number; readonly pixelAccuracy: number } | null;
}

export const NEW_RUN: TrainState = {
  epoch: 0,
  batch: 0,
  step: 0,
  seconds: 0,
  elapsed: 0,
  validating: 0,
  classWeights: null,
  best: null,
};

/** The epoch of the last step, from 1. */
export function epochOf({ epoch, batch }: TrainState): number {
  return batch > 0 ? epoch + 1 : epoch;
}

/** Where the checkpoint of a run's folder is. */
export function checkpointFile(folder: string): string {
  return join(folder, "state", "checkpoint.safetensors");
}

/** What a run continues from, exactly: its configuration, state, weights, momentum, and the average of the weights if there is one. */
export interface Checkpoint {
  readonly config: TrainConfig;
  readonly state: TrainState;
  readonly weights: ReadonlyMap<string, StoredTensor>;
  readonly momentum: ReadonlyMap<string, StoredTensor>;
  readonly average: ReadonlyMap<string, StoredTensor>;
}

/** Tensors as float32 bytes, by name. */
export function storedTensors(tensors: ReadonlyMap<string, Tensor>): Map<string, WritableTensor> {
  return new Map([...tensors].map(([name, tensor]) => [name, stored(tensor)]));
}

export interface CheckpointParts {
  readonly config: TrainConfig;
  readonly state: TrainState;
  readonly model: PSPNet;
  readonly optimiser: SGD;
  readonly average: WeightAverage | null;
}

/** Writes a checkpoint; until it is complete the one before it stays. */
export async function saveCheckpoint(
  file: string,
  { config, state, model, optimiser, average }: CheckpointParts,
): Promise<void> {
  const tensors = new Map<string, WritableTensor>();
  for (const [name, tensor] of storedTensors(tensorsOf(model))) tensors.set(`model.${name}`, tensor);
  for (const [name, tensor] of storedTensors(average?.tensors ?? new Map())) tensors.set(`average.${name}`, tensor);
  const names = new Map([...model.namedParameters()].map(([name, parameter]) => [parameter.as<Tensor>(), name]));
  const trained = optimiser.groups.flatMap(({ parameters }) => parameters);
  for (const [i, momentum] of optimiser.state.entries())
    if (momentum) tensors.set(`momentum.${names.get(trained[i])}`, stored(momentum));
  await atomicWrite(file, safetensorsPieces(tensors, { config: JSON.stringify(config), state: JSON.stringify(state) }));
}

/** @throws PspnetError "weights" when the file is not a checkpoint of this program, or holds numbers that are not finite. */
export async function loadCheckpoint(file: string): Promise<Checkpoint> {
  const { metadata, tensors } = await readRegular(file)
    .then((bytes) => {
      const found = readSafetensors(bytes);
      checkFinite(found.tensors);
      return found;
    })
    .catch((cause: Error) => {
      throw new PspnetError("weights", `${file}: expected a checkpoint (${cause.message})`, { cause });
    });
  if (!metadata.config || !metadata.state) {
    throw new PspnetError(
      "weights",
      `${file}: expected a checkpoint with a configuration and a state, found neither; was it written by pspnet train?`,
    );
  }
  const part = (prefix: string) =>
    new Map(
      [...tensors]
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
    );
  const state = JSON.parse(metadata.state);
  // Checkpoints of earlier versions lack some of both.
  return {
    config: validateTrainConfig(JSON.parse(metadata.config), file),
    state: { elapsed: state.seconds, validating: 0, classWeights: null, ...state },
    weights: part("model."),
    momentum: part("momentum."),
    average: part("average."),
  };
}

function stored(tensor: Tensor): WritableTensor {
  return { dtype: "float32", shape: tensor.shape, bytes: fromFloat32(tensor.toArray() as Float32Array, "float32") };
}
