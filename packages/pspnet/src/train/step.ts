import { IGNORE, inputChannels, PRECISION_DTYPE, type Precision, type PSPNet } from "@pspnet/core";
import { autocast, fromBuffer, manualSeed, type SGD, scope, type Tensor } from "@pspnet/torch";
import type { Batch } from "../data/loader.js";
import { ActivationCheckpoints } from "./activationCheckpoints.js";
import { type PixelLossOptions, segmentationLoss } from "./loss.js";
import { alone, sumNumbers, type World } from "./world.js";

/** Some samples of a batch, or all. */
type Part = Pick<Batch, "images" | "labels" | "shape">;

export interface StepOptions {
  readonly device: "cpu" | "cuda";
  readonly precision: Precision;
  /** Parts that the batch is split into; their gradients are summed. */
  readonly accumulate: number;
  readonly auxWeight: number;
  readonly classWeights: readonly number[] | null;
  /** Whether each residual block keeps its input alone, and computes again what backward needs. */
  readonly checkpoint?: boolean;
  /** Length of all gradients together, at most; any when it is left out. */
  readonly clipGradients?: number | null;
  /** Mean cross-entropy alone when it is left out. Each part of the batch chooses its own hard pixels, and has its own Dice loss. */
  readonly pixelLoss?: PixelLossOptions;
  /** Of dropout, so that a step is the same after a resume; each rank has its own. */
  readonly seed: number;
  /** The paper's when it is left out. */
  readonly loss?: typeof segmentationLoss;
  /** Alone when it is left out. */
  readonly world?: World;
}

/**
 * Forward, loss, backward and one optimiser step on a batch, of which each rank has a share.
 *
 * However many ranks there are, and parts that a share is split into, the loss is the mean over all labelled pixels: a part
 * counts by its share of them. (Batch norm sees the parts one by one.)
 *
 * @returns the loss; when it is not finite no parameter has been changed.
 */
export async function trainStep(model: PSPNet, optimiser: SGD, batch: Batch, options: StepOptions): Promise<number> {
  const { world = alone } = options;
  const parts = split(batch, options.accumulate);
  const masses = parts.map((part) => labelledWeight(part.labels, options.classWeights));
  const [total] = await sumNumbers(world, Float64Array.of(masses.reduce((sum, mass) => sum + mass, 0)));
  manualSeed(options.seed);
  let share = 0;
  for (const [i, part] of parts.entries()) {
    if (masses[i] > 0) share += scope(() => backward(model, part, masses[i] / total, options));
  }
  const [loss] = await sumNumbers(world, Float64Array.of(share));
  if (Number.isFinite(loss) && total > 0) {
    if (world.size > 1) await sumGradients(optimiser, world);
    if (options.clipGradients) optimiser.clipGradients(options.clipGradients);
    optimiser.step();
  }
  optimiser.zeroGrad();
  return loss;
}

/** A rank without labelled pixels has no gradients of its own, and takes part with nothing. */
async function sumGradients({ groups }: SGD, world: World): Promise<void> {
  for (const parameter of groups.flatMap(({ parameters }) => parameters)) {
    await scope(async () => {
      if (parameter.grad === null) parameter.grad = parameter.zerosLike();
      await world.sum(parameter.grad as Tensor);
    });
  }
}

/** Adds the part's gradients to those of the parameters; returns its share of the loss. */
function backward(model: PSPNet, part: Part, share: number, options: StepOptions): number {
  const checkpoints = options.checkpoint ? new ActivationCheckpoints(model) : null;
  // Only the loss outlives its computation, so backward frees each activation when it has used it.
  const compute = () => scope(() => forward(model, part, options).mul(share));
  const loss = checkpoints?.forward(compute) ?? compute();
  loss.backward();
  checkpoints?.backward((block) => inPrecision(options, block));
  return loss.item();
}

function forward(model: PSPNet, { images, labels, shape: [n, h, w] }: Part, options: StepOptions): Tensor {
  const { device, auxWeight, classWeights, pixelLoss, loss = segmentationLoss } = options;
  const x = fromBuffer(images, [n, h, w, inputChannels(model.config.input)])
    .permute(0, 3, 1, 2)
    .to({ device });
  const y = fromBuffer(labels, [n, h, w]).to({ device });
  const weights: Tensor | null =
    classWeights && fromBuffer(Float32Array.from(classWeights), [classWeights.length]).to({ device });
  const logits = inPrecision(options, () => model.forward(x));
  const { alignCorners } = model.config.upsampling;
  return loss(logits, y, { alignCorners, auxWeight, classWeights: weights, ...pixelLoss });
}

function inPrecision<R>({ device, precision }: StepOptions, work: () => R): R {
  const dtype = PRECISION_DTYPE[precision];
  return dtype === "float32" ? work() : autocast({ device, dtype }, work);
}

function split({ images, labels, shape: [n, h, w] }: Part, count: number): Part[] {
  const size = n / count;
  const values = images.length / count;
  return Array.from({ length: count }, (_, i) => ({
    images: images.subarray(i * values, (i + 1) * values),
    labels: labels.subarray(i * size * h * w, (i + 1) * size * h * w),
    shape: [size, h, w],
  }));
}

function labelledWeight(labels: Uint8Array, classWeights: readonly number[] | null): number {
  let sum = 0;
  for (const label of labels) if (label !== IGNORE) sum += classWeights === null ? 1 : classWeights[label];
  return sum;
}
