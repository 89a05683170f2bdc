// What a device must compute as the processor does: each case gives tensors, from inputs that are made on the processor.
import type { AlignCorners, DType } from "@pspnet/core";
import { autocast, manualSeed, ones, randint, randn, SGD, type Tensor, zeros } from "@pspnet/torch";

type Run = (device: string) => Tensor[];

/** Tensors on `device`, of which gradients are gathered. */
const leaves = (device: string, ...tensors: Tensor[]) =>
  tensors.map((tensor) => {
    const leaf = tensor.to({ device }).clone();
    leaf.requiresGrad = true;
    return leaf;
  });

/** A result, and the gradients that a random one of it gives. */
function differentiated(y: Tensor, inputs: readonly Tensor[]): Tensor[] {
  y.mul(randn(y.shape).to({ device: y.device, dtype: y.dtype }))
    .sum()
    .backward();
  return [y.detach(), ...inputs.map(({ grad }) => grad!)];
}

const map = (...shape: number[]) => randn(shape).contiguous("channelsLast");

interface Convolution {
  readonly dilation?: number;
  readonly channels?: number;
  readonly bias?: boolean;
  readonly as?: (device: string, work: () => Tensor) => Tensor;
}

function convolution({ dilation = 1, channels = 32, bias = false, as = (_, work) => work() }: Convolution): Run {
  return (device) => {
    const [x, w, b] = leaves(device, map(2, channels, 19, 23), randn([48, channels, 3, 3]).mul(0.06), randn([48]));
    const y = as(device, () => x.conv2d(w, bias ? b : null, { padding: dilation, dilation }));
    return differentiated(y.to({ dtype: "float32" }), bias ? [x, w, b] : [x, w]);
  };
}

interface BatchNorm {
  readonly dtype?: DType;
  readonly residual?: boolean;
  readonly relu?: boolean;
  readonly training?: boolean;
}

function batchNorm({ dtype = "float32", residual = false, relu = false, training = true }: BatchNorm): Run {
  return (device) => {
    const x = map(3, 16, 17, 13).mul(2).add(1).to({ dtype });
    const [features, weight, bias, added] = leaves(
      device,
      x,
      randn([16]),
      randn([16]),
      map(3, 16, 17, 13).to({ dtype }),
    );
    const [mean, variance] = [zeros([16]), ones([16])].map((tensor) => tensor.to({ device }).clone());
    const options = { training, momentum: 0.1, eps: 1e-5 };
    const y = relu
      ? features.batchNormRelu(weight, bias, mean, variance, residual ? added : null, options)
      : features.batchNorm(weight, bias, mean, variance, options);
    return [...differentiated(y, [features, weight, bias, ...(residual ? [added] : [])]), mean, variance];
  };
}

/** Labels of which a tenth is to be ignored. */
function labels(shape: readonly number[], classes: number): Tensor {
  const ids = randint(0, classes, shape).to({ dtype: "int64" });
  const ignored = randint(0, 10, shape).eq(0);
  return ignored.where(zeros([1], { dtype: "int64" }).add(255), ids).to({ dtype: "uint8" });
}

interface PixelLoss {
  readonly alignCorners?: AlignCorners;
  readonly dtype?: DType;
  readonly weighted?: boolean;
  readonly labelSmoothing?: number;
  readonly ohemThreshold?: number;
  readonly ohemKept?: number;
}

function pixelLoss(
  name: "upsampledCrossEntropy" | "upsampledDice",
  { alignCorners = true, dtype = "float32", weighted = false, ...options }: PixelLoss = {},
): Run {
  return (device) => {
    const [logits] = leaves(device, map(2, 19, 9, 11).mul(3).to({ dtype }));
    const target = labels([2, 65, 81], 19).to({ device });
    const weight = weighted ? { weight: randn([19]).abs().add(0.5).to({ device }) } : {};
    const loss = logits[name](target, { alignCorners, ...weight, ...options });
    loss.backward();
    return [loss.detach(), logits.grad!];
  };
}

const resized =
  (alignCorners: AlignCorners): Run =>
  (device) => {
    const [x] = leaves(device, map(2, 5, 9, 11));
    return differentiated(x.resize([65, 41], { alignCorners }), [x]);
  };

function steps(nesterov: boolean): Run {
  return (device) => {
    const parameters = leaves(device, randn([7, 3, 3, 3]).contiguous("channelsLast"), randn([7]));
    const optimiser = new SGD({ groups: [{ parameters, lr: 0.1 }], momentum: 0.9, weightDecay: 0.01, nesterov });
    for (let i = 0; i < 3; i++) {
      parameters[0].pow(2).sum().add(parameters[1].exp().sum()).backward();
      optimiser.clipGradients(2);
      optimiser.step();
      optimiser.zeroGrad();
    }
    return [...parameters, ...optimiser.state.map((momentum) => momentum!)];
  };
}

const pooled =
  (pool: (x: Tensor) => Tensor): Run =>
  (device) => {
    const [x] = leaves(device, map(2, 8, 18, 14));
    return differentiated(pool(x), [x]);
  };

const bf16 = (device: string, work: () => Tensor) => autocast({ device, dtype: "bfloat16" }, work);

/** Name, the largest difference in shares of the largest value, and the tensors. */
export const CASES: readonly (readonly [name: string, tolerance: number, run: Run])[] = [
  ["convolution", 1e-5, convolution({ bias: true })],
  ["dilated convolution", 1e-5, convolution({ dilation: 2, channels: 64 })],
  ["convolution in bfloat16", 2e-2, convolution({ as: bf16 })],
  ["batch norm", 1e-5, batchNorm({})],
  ["batch norm by running statistics", 1e-5, batchNorm({ training: false })],
  ["batch norm and ReLU", 1e-5, batchNorm({ relu: true })],
  ["batch norm, residual and ReLU", 1e-5, batchNorm({ relu: true, residual: true })],
  ["batch norm, residual and ReLU in bfloat16", 2e-2, batchNorm({ relu: true, residual: true, dtype: "bfloat16" })],
  ["max pool", 1e-6, pooled((x) => x.maxPool2d({ kernelSize: 3, stride: 2, padding: 1 }))],
  ["average pool", 1e-6, pooled((x) => x.adaptiveAvgPool2d(3))],
  ["resize, corners aligned", 1e-5, resized(true)],
  ["resize, corners not aligned", 1e-5, resized(false)],
  ["resize, asymmetric", 1e-5, resized("asymmetric")],
  [
    "enlarging matrix",
    1e-6,
    (device) => [randn([1, 1, 9, 9]).to({ device }).enlargeMatrix(2, { bins: 3, taps: 3, alignCorners: true })],
  ],
  ["cross-entropy of enlarged logits", 1e-5, pixelLoss("upsampledCrossEntropy")],
  ["cross-entropy, corners not aligned", 1e-5, pixelLoss("upsampledCrossEntropy", { alignCorners: false })],
  [
    "cross-entropy, weighted and smoothed",
    1e-5,
    pixelLoss("upsampledCrossEntropy", { weighted: true, labelSmoothing: 0.1 }),
  ],
  ["cross-entropy of hard pixels", 1e-4, pixelLoss("upsampledCrossEntropy", { ohemThreshold: 0.1, ohemKept: 0.3 })],
  ["cross-entropy of bfloat16", 1e-2, pixelLoss("upsampledCrossEntropy", { dtype: "bfloat16" })],
  ["Dice loss", 1e-5, pixelLoss("upsampledDice")],
  [
    "argmax of enlarged logits",
    0,
    (device) => [map(2, 19, 9, 11).mul(3).to({ device }).upsampledArgmax([65, 81], [63, 80], { alignCorners: true })],
  ],
  ["SGD", 1e-5, steps(false)],
  ["SGD of Nesterov", 1e-5, steps(true)],
];

/** The largest difference of what the device and the processor give, in shares of the largest value: of the tensors the worst. */
export function difference(run: Run, device: string): number {
  const on = (where: string) => {
    manualSeed(3);
    return run(where).map((tensor) => tensor.to({ device: "cpu", dtype: "float64" }));
  };
  const [found, expected] = [on(device), on("cpu")];
  const each = expected.map((tensor, i) => {
    if (tensor.shape.join() !== found[i].shape.join()) return Number.POSITIVE_INFINITY;
    return tensor.sub(found[i]).abs().max().item() / Math.max(tensor.abs().max().item(), 1e-30);
  });
  return Math.max(...each.map((value) => (Number.isNaN(value) ? Number.POSITIVE_INFINITY : value)));
}

/** Where the results lie, or what is wrong. */
export function outcome(run: Run, device: string): string {
  try {
    return run(device)
      .map((tensor) => tensor.device)
      .join();
  } catch (error) {
    return (error as Error).message;
  }
}
