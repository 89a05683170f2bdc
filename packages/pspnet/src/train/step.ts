import { IGNORE, inputChannels, type Logits, PRECISION_DTYPE, type Precision, type PSPNet } from "@pspnet/core";
import { autocast, fromBuffer, manualSeed, type SGD, scope, type Tensor } from "@pspnet/torch";
import type { Batch } from "../data/loader.js";
import { alone, type GradientSum, sumNumbers, type World } from "../ranks/world.js";
import type { Device } from "../segment/engine.js";
import { ActivationCheckpoints } from "./activationCheckpoints.js";
import { type PixelLossOptions, segmentationLoss } from "./loss.js";

/** Some samples of a batch, or all. */
type Part = Pick<Batch, "images" | "labels" | "shape">;

export interface StepOptions {
  readonly device: Device;
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
  /** Of dropout, so that a step is the same after a resume; all ranks have the same. */
  readonly seed: number;
  /** The paper's when it is left out. */
  readonly loss?: typeof segmentationLoss;
  /** Alone when it is left out. */
  readonly world?: World;
  /** Of the parameters that the optimiser moves, over all ranks. */
  readonly gradients?: GradientSum;
  /** Whether batch norm is that of all ranks' samples; it is when it is left out. */
  readonly syncBn?: boolean;
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
  const { world = alone, gradients } = options;
  const parts = split(batch, options.accumulate);
  const masses = parts.map((part) => labelledWeight(part.labels, options.classWeights));
  const [total] = await sumNumbers(world, Float64Array.of(masses.reduce((sum, mass) => sum + mass, 0)));
  manualSeed(options.seed);
  let share = 0;
  for (const [i, part] of parts.entries()) {
    if (i === parts.length - 1) gradients?.begin();
    // Other ranks wait for this one's batch norm and gradients, whatever its own samples show.
    if (masses[i] > 0 || world.size > 1)
      share += scope(() => backward(model, part, total > 0 ? masses[i] / total : 0, options));
  }
  await gradients?.finish();
  const [loss] = await sumNumbers(world, Float64Array.of(share));
  if (Number.isFinite(loss) && total > 0) {
    if (options.clipGradients) optimiser.clipGradients(options.clipGradients);
    optimiser.step();
  }
  optimiser.zeroGrad();
  return loss;
}

/** Adds the part's gradients to those of the parameters; returns its share of the loss. */
function backward(model: PSPNet, part: Part, share: number, options: StepOptions): number {
  const checkpoints = options.checkpoint ? new ActivationCheckpoints(model) : null;
  // Only the loss outlives its computation, so backward frees each activation when it has used it.
  const compute = () => scope(() => forward(model, part, options, share));
  const loss = checkpoints?.forward(compute) ?? compute();
  loss.backward();
  checkpoints?.backward((block) => asAll(options, block));
  return loss.item();
}

/** The part's share of the loss. */
function forward(
  model: PSPNet,
  { images, labels, shape: [n, h, w] }: Part,
  options: StepOptions,
  share: number,
): Tensor {
  const { device, auxWeight, classWeights, pixelLoss, loss = segmentationLoss } = options;
  const x = fromBuffer(images, [n, h, w, inputChannels(model.config.input)])
    .permute(0, 3, 1, 2)
    .to({ device });
  const y = fromBuffer(labels, [n, h, w]).to({ device });
  const weights: Tensor | null =
    classWeights && fromBuffer(Float32Array.from(classWeights), [classWeights.length]).to({ device });
  const logits = asAll(options, () => model.forward(x));
  // Nothing is labelled: gradients of zero.
  if (share === 0) return untouched(logits);
  const { alignCorners } = model.config.upsampling;
  const whole = loss(logits, y, { alignCorners, auxWeight, classWeights: weights, ...pixelLoss });
  return whole.mul(share);
}

/** A loss of 0 whose gradients are zeros. */
function untouched({ out, aux }: Logits<Tensor>): Tensor {
  const sum = out.to({ dtype: "float32" }).sum();
  return (aux === null ? sum : sum.add(aux.to({ dtype: "float32" }).sum())).mul(0);
}

/** Runs a part of the forward pass in the step's precision, on samples of a batch that all ranks share. */
function asAll<R>({ device, precision, world = alone, syncBn = true }: StepOptions, work: () => R): R {
  const dtype = PRECISION_DTYPE[precision];
  return world.sharing(() => (dtype === "float32" ? work() : autocast({ device, dtype }, work)), { syncBn });
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
