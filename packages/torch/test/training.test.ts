import { autocast, gradEnabled, noGrad, ones, randn, SGD, scope, type Tensor, tensor, zeros } from "@pspnet/torch";
import { describe, expect, it } from "vitest";
import { onThreads } from "./support/onThreads.js";

const leaf = (values: readonly number[], shape: readonly number[] = [values.length]) => {
  const made = tensor(Float64Array.from(values), shape);
  made.requiresGrad = true;
  return made;
};

/** The gradient of `loss` at `values` by central differences. */
function numericGradient(loss: (x: Tensor) => Tensor, values: readonly number[], shape: readonly number[]): number[] {
  const at = (i: number, step: number) =>
    loss(
      tensor(
        Float64Array.from(values, (value, j) => value + (i === j ? step : 0)),
        shape,
      ),
    ).item();
  return values.map((_, i) => (at(i, 1e-5) - at(i, -1e-5)) / 2e-5);
}

describe("backward", () => {
  const values = Array.from({ length: 32 }, (_, i) => Math.sin(i * 1.7) + 0.03 * i);
  const shape = [1, 2, 4, 4];
  const weight = tensor(
    Float64Array.from({ length: 54 }, (_, i) => Math.cos(i * 0.9)),
    [3, 2, 3, 3],
  );
  const wide = { dtype: "float64" } as const;
  const statistics = () => [ones([2], wide), zeros([2], wide), zeros([2], wide), ones([2], wide)] as const;
  const losses: [string, (x: Tensor) => Tensor][] = [
    ["conv2d", (x) => x.conv2d(weight, null, { padding: 2, dilation: 2 }).tanh().sum()],
    [
      "batchNorm",
      (x) =>
        x
          .batchNorm(...statistics(), { training: true, momentum: 0.1, eps: 1e-5 })
          .pow(3)
          .sum(),
    ],
    ["maxPool2d", (x) => x.maxPool2d({ kernelSize: 3, stride: 2, padding: 1 }).pow(2).sum()],
    ["adaptiveAvgPool2d", (x) => x.adaptiveAvgPool2d(3).pow(2).sum()],
    ["resize", (x) => x.resize([7, 5], { alignCorners: true }).pow(2).sum()],
    [
      "cat and narrow",
      (x) =>
        x
          .cat([x.mul(2)], 1)
          .narrow(1, 1, 2)
          .exp()
          .mean(),
    ],
    [
      "crossEntropy",
      (x) =>
        x.crossEntropy(
          tensor(
            new Uint8Array(16).map((_, i) => i % 2),
            [1, 4, 4],
            { dtype: "int64" },
          ),
        ),
    ],
    ["matmul", (x) => x.matmul(x.transpose(2, 3)).sigmoid().sum()],
  ];
  it.each(losses)("of %s equals finite differences", (_, loss) => {
    const x = leaf(values, shape);
    loss(x).backward();
    const expected = numericGradient(loss, values, shape);
    x.grad?.toNumbers().forEach((slope, i) => {
      expect(slope).toBeCloseTo(expected[i], 5);
    });
    expect(x.grad?.shape).toEqual(shape);
  });

  it("adds up, and starts from a given gradient", () => {
    const x = leaf([1, 2]);
    for (let i = 0; i < 2; i++) x.mul(3).backward(tensor(Float64Array.of(1, 10), [2]));
    expect(x.grad?.toNumbers()).toEqual([6, 60]);
    x.grad = null;
    expect(x.grad).toBeNull();
  });

  it("goes twice over a graph that is retained", () => {
    const x = leaf([2]);
    const loss = x.pow(2).sum();
    loss.backward(undefined, { retainGraph: true });
    loss.backward();
    expect(x.grad?.item()).toBe(8);
    expect(() => loss.backward()).toThrow(/^backward: Trying to backward through the graph a second time/);
  });

  it("records nothing in noGrad, and afterwards again", () => {
    const x = leaf([2]);
    expect(noGrad(() => [gradEnabled(), x.mul(2).requiresGrad])).toEqual([false, false]);
    expect(() =>
      noGrad(() => {
        throw new Error("stop");
      }),
    ).toThrow("stop");
    expect([gradEnabled(), x.mul(2).requiresGrad]).toEqual([true, true]);
    expect(() => noGrad(async () => {})).toThrow(/expected a synchronous function/);
  });
});

describe("a 1x1 convolution on one thread", () => {
  const shapes = [
    { stride: 1, padding: 0 },
    { stride: 2, padding: 0 },
    { stride: 1, padding: 1 },
    { stride: 1, padding: 0, groups: 2 },
  ];
  it.each(shapes)("is float64's within 1e-5, and its gradients are: %j", (options) => {
    const [x, weight, bias] = [randn([2, 24, 9, 10]), randn([16, 24 / (options.groups ?? 1), 1, 1]), randn([16])];
    const given = [x.contiguous("channelsLast"), weight, bias];
    const trained = (leaves: Tensor[]) => {
      for (const leaf of leaves) leaf.requiresGrad = true;
      const y = leaves[0].conv2d(leaves[1], leaves[2], options);
      y.pow(2).sum().backward();
      return [y, ...leaves.map((leaf) => leaf.grad!)];
    };
    const exact = trained(given.map((tensor) => tensor.to({ dtype: "float64" })));
    for (const [i, found] of onThreads(1, () => trained(given.map((tensor) => tensor.clone()))).entries()) {
      expect(found.shape).toEqual(exact[i].shape);
      const error = found.to({ dtype: "float64" }).sub(exact[i]).abs().max().item();
      expect(error).toBeLessThan(1e-5 * exact[i].abs().max().item());
    }
  });
});

describe("autocast", () => {
  it("convolves and multiplies in bfloat16, sums in float32", () => {
    const x = randn([1, 3, 8, 8]);
    const weight = randn([4, 3, 3, 3]);
    weight.requiresGrad = true;
    const y = autocast({}, () => {
      const features = x.conv2d(weight, null, {});
      expect(features.dtype).toBe("bfloat16");
      expect(x.matmul(x).dtype).toBe("bfloat16");
      expect(autocast({ enabled: false }, () => x.matmul(x)).dtype).toBe("float32");
      expect(x.matmul(x).dtype).toBe("bfloat16");
      return features;
    });
    expect(x.matmul(x).dtype).toBe("float32");
    const exact = x.conv2d(weight, null, {});
    expect(y.equal(exact)).toBe(false);
    const error = y.to({ dtype: "float32" }).sub(exact).abs().max().item();
    expect(error / exact.abs().max().item()).toBeLessThan(0.02);
    y.to({ dtype: "float32" }).sum().backward();
    expect(weight.grad?.dtype).toBe("float32");
  });

  it("forgets the weights that it cast when it ends", () => {
    const weight = ones([2, 2]);
    weight.requiresGrad = true;
    const product = () => autocast({}, () => ones([2, 2]).matmul(weight).select(0, 0).select(0, 0).item());
    expect(product()).toBe(2);
    noGrad(() => weight.fill_(3));
    expect(product()).toBe(6);
  });
});

it("clipGradients shortens all gradients together, as PyTorch does, and leaves shorter ones", () => {
  scope(() => {
    const parameters = [zeros([2]), zeros([1]), zeros([3])];
    const [a, b] = parameters;
    a.grad = tensor(Float32Array.of(3, 0), [2]);
    b.grad = tensor(Float32Array.of(4), [1]);
    const optimizer = new SGD({ groups: [{ parameters, lr: 1 }] });
    expect(optimizer.clipGradients(6)).toBeCloseTo(5, 6);
    expect([...a.grad!.toArray(), ...b.grad!.toArray()]).toEqual([3, 0, 4]);
    optimizer.clipGradients(1);
    expect(a.grad!.toArray()[0]).toBeCloseTo(0.6, 6);
    expect(b.grad!.toArray()[0]).toBeCloseTo(0.8, 6);
    expect(optimizer.gradientNorm()).toBeLessThanOrEqual(1);
  });
});

describe("SGD", () => {
  const start = [0.5, -1, 2];
  const gradients = [
    [1, 2, -3],
    [-0.5, 0.25, 4],
    [0.1, 0, 0.2],
  ];
  const setGradient = (parameter: Tensor, values: readonly number[]) => {
    parameter.grad = tensor(Float64Array.from(values), [values.length]);
  };

  it.each([false, true])("follows its formula (nesterov %s)", (nesterov) => {
    const [momentum, weightDecay, dampening] = [0.9, 0.1, nesterov ? 0 : 0.2];
    const parameter = leaf(start);
    const group = { parameters: [parameter], lr: 0.1 };
    const optimizer = new SGD({ groups: [group], momentum, weightDecay, dampening, nesterov });
    const w = [...start];
    const v: number[] = [];
    gradients.forEach((gradient, step) => {
      group.lr = 0.1 / (step + 1);
      setGradient(parameter, gradient);
      optimizer.step();
      w.forEach((value, i) => {
        const g = gradient[i] + weightDecay * value;
        v[i] = step === 0 ? g : momentum * v[i] + (1 - dampening) * g;
        w[i] = value - group.lr * (nesterov ? g + momentum * v[i] : v[i]);
      });
      parameter.toNumbers().forEach((value, i) => {
        expect(value).toBeCloseTo(w[i], 12);
      });
    });
  });

  it("gives each group its rate and passes by parameters without a gradient", () => {
    const [slow, fast, still] = [leaf([1]), leaf([1]), leaf([1])];
    const groups = [
      { parameters: [slow, still], lr: 0.01 },
      { parameters: [fast], lr: 0.1 },
    ];
    const optimizer = new SGD({ groups, momentum: 0.9 });
    for (const parameter of [slow, fast]) setGradient(parameter, [1]);
    optimizer.step();
    expect([slow, fast, still].map((parameter) => parameter.item())).toEqual([0.99, 0.9, 1]);
    // The late one starts its momentum when its first gradient comes.
    for (const parameter of [slow, fast, still]) setGradient(parameter, [1]);
    optimizer.step();
    expect(still.item()).toBeCloseTo(0.99, 12);
    expect(slow.item()).toBeCloseTo(0.99 - 0.019, 12);
    optimizer.zeroGrad();
    expect(still.grad).toBeNull();
  });

  it("goes on exactly from a saved state", () => {
    const train = (parameter: Tensor, optimizer: SGD, steps: readonly number[][]) => {
      for (const gradient of steps) {
        setGradient(parameter, gradient);
        optimizer.step();
      }
      return parameter.toArray();
    };
    const make = (values: readonly number[]) => {
      const parameter = leaf(values);
      return { parameter, optimizer: new SGD({ groups: [{ parameters: [parameter], lr: 0.3 }], momentum: 0.9 }) };
    };
    const whole = make(start);
    const expected = train(whole.parameter, whole.optimizer, gradients);
    const first = make(start);
    const half = train(first.parameter, first.optimizer, gradients.slice(0, 2)) as Float64Array;
    const second = make(Array.from(half));
    second.optimizer.loadState(first.optimizer.state);
    expect(train(second.parameter, second.optimizer, gradients.slice(2))).toEqual(expected);
    expect(() => second.optimizer.loadState([])).toThrow("SGD.loadState: expected 1 momenta, found 0");
    expect(() => second.optimizer.loadState([zeros([4])])).toThrow("momentum 0: expected [3], found [4]");
  });

  it("steps channels-last weights with gradients of another layout", () => {
    const weight = zeros([2, 3, 2, 2]).contiguous("channelsLast");
    weight.requiresGrad = true;
    weight.grad = tensor(
      Float32Array.from({ length: 24 }, (_, i) => i),
      [2, 3, 2, 2],
    );
    new SGD({ groups: [{ parameters: [weight], lr: 1 }] }).step();
    expect(weight.toNumbers()).toEqual(Array.from({ length: 24 }, (_, i) => 0 - i));
  });

  it("tells a gradient that is not finite", () => {
    const parameter = leaf([1, 2]);
    const optimizer = new SGD({ groups: [{ parameters: [parameter], lr: 1 }] });
    setGradient(parameter, [3, 4]);
    expect(optimizer.gradientNorm()).toBeCloseTo(5, 10);
    setGradient(parameter, [3, Number.NaN]);
    expect(optimizer.gradientNorm()).toBeNaN();
  });
});
