import { readFileSync } from "node:fs";
import { enlargeMatrix } from "@pspnet/core/graph";
import {
  arange,
  backend,
  empty,
  full,
  liveTensors,
  manualSeed,
  ones,
  rand,
  randint,
  randn,
  scope,
  stack,
  type Tensor,
  tensor,
  version,
  zeros,
} from "@pspnet/torch";
import { describe, expect, it } from "vitest";

const column = (...values: number[]) => tensor(values, [values.length]);
const close = (actual: Tensor, expected: readonly number[], digits = 5) => {
  const numbers = actual.toNumbers();
  expect(numbers).toHaveLength(expected.length);
  numbers.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i], digits);
  });
};

describe("arithmetic", () => {
  const a = column(1, -2, 3);
  const b = column(4, 5, -6);
  const cases: [string, () => Tensor, number[]][] = [
    ["add", () => a.add(b), [5, 3, -3]],
    ["add a number", () => a.add(0.5), [1.5, -1.5, 3.5]],
    ["sub", () => a.sub(b), [-3, -7, 9]],
    ["mul", () => a.mul(b), [4, -10, -18]],
    ["div", () => a.div(b), [0.25, -0.4, -0.5]],
    ["maximum", () => a.maximum(b), [4, 5, 3]],
    ["minimum", () => a.minimum(b), [1, -2, -6]],
    ["pow", () => a.pow(2), [1, 4, 9]],
    ["neg", () => a.neg(), [-1, 2, -3]],
    ["abs", () => a.abs(), [1, 2, 3]],
    ["exp", () => a.exp(), [Math.E, Math.exp(-2), Math.exp(3)]],
    ["log", () => a.abs().log(), [0, Math.log(2), Math.log(3)]],
    ["sqrt", () => a.abs().sqrt(), [1, Math.SQRT2, Math.sqrt(3)]],
    ["clamp", () => a.clamp(-1, 2), [1, -1, 2]],
    ["clamp below only", () => a.clamp(0), [1, 0, 3]],
    ["clamp above only", () => a.clamp(null, 0), [0, -2, 0]],
    ["relu", () => a.relu(), [1, 0, 3]],
    ["sigmoid", () => a.sigmoid(), [1, -2, 3].map((x) => 1 / (1 + Math.exp(-x)))],
    ["tanh", () => a.tanh(), [1, -2, 3].map(Math.tanh)],
    ["softmax", () => column(0, Math.log(3)).softmax(0), [0.25, 0.75]],
    ["logSoftmax", () => column(0, Math.log(3)).logSoftmax(0), [Math.log(0.25), Math.log(0.75)]],
    ["isfinite", () => column(1, Number.NaN, Number.POSITIVE_INFINITY).isfinite(), [1, 0, 0]],
    ["where", () => a.gt(0).where(a, 9), [1, 9, 3]],
    ["eq", () => a.eq(3), [0, 0, 1]],
    ["ne", () => a.ne(b), [1, 1, 1]],
    ["lt", () => a.lt(b), [1, 1, 0]],
    ["le", () => a.le(1), [1, 1, 0]],
    ["gt", () => a.gt(b), [0, 0, 1]],
    ["ge", () => a.ge(1), [1, 0, 1]],
  ];
  it.each(cases)("%s", (_, run, expected) => close(run(), expected));

  it("works in place", () => {
    const x = column(1, 2);
    expect(x.add_(column(1, 1), { alpha: 2 })).toBe(x);
    x.mul_(3);
    close(x, [9, 12]);
    close(x.copy_(column(7, 8)), [7, 8]);
    close(x.fill_(-2), [-2, -2]);
    close(ones([2]).zero_(), [0, 0]);
  });

  it("keeps whole numbers whole, as PyTorch does", () => {
    const ids = tensor([1, 2], [2], { dtype: "int64" });
    expect(ids.add(1).dtype).toBe("int64");
    expect(ids.add(0.5).dtype).toBe("float32");
    expect(ids.div(2).dtype).toBe("float32");
    expect(ids.mul(3n).toArray()).toEqual(BigInt64Array.of(3n, 6n));
  });
});

describe("reductions", () => {
  const x = tensor([1, 5, 3, 4, 2, 6], [2, 3]);
  it("sums, means and extremes", () => {
    expect(x.sum().item()).toBe(21);
    close(x.sum(0), [5, 7, 9]);
    expect(x.sum([0, 1], { keepdim: true }).shape).toEqual([1, 1]);
    close(x.mean(1), [3, 4]);
    close(x.amax(1), [5, 6]);
    expect([x.max().item(), x.min().item(), x.amax().item()]).toEqual([6, 1, 6]);
    expect(x.argmax(1).toArray()).toEqual(BigInt64Array.of(1n, 2n));
    expect(x.argmax().item()).toBe(5);
  });
});

describe("matrices and shapes", () => {
  const x = arange(0, 6).reshape(2, 3);
  it("multiplies", () => {
    const y = arange(0, 6).reshape([3, 2]);
    close(x.matmul(y), [10, 13, 28, 40]);
    close(x.unsqueeze(0).matmul(y.unsqueeze(0)), [10, 13, 28, 40]);
    close(x.linear(ones([1, 3]), column(0.5)), [3.5, 12.5]);
  });

  it("rearranges", () => {
    close(x.permute(1, 0), [0, 3, 1, 4, 2, 5]);
    close(x.transpose(0, 1), [0, 3, 1, 4, 2, 5]);
    expect(x.unsqueeze(1).shape).toEqual([2, 1, 3]);
    expect(x.unsqueeze(1).squeeze(1).shape).toEqual([2, 3]);
    expect(x.flatten().shape).toEqual([6]);
    expect(column(1).expand(2, 3).shape).toEqual([2, 3]);
    close(x.narrow(1, 1, 2), [1, 2, 4, 5]);
    close(x.slice(1, 0, 3, 2), [0, 2, 3, 5]);
    close(x.select(0, 1), [3, 4, 5]);
    const index = tensor([2, 0], [2], { dtype: "int64" });
    close(x.indexSelect(1, index), [2, 0, 5, 3]);
    close(x.gather(1, index.reshape(2, 1)), [2, 3]);
    close(x.flip(0, 1), [5, 4, 3, 2, 1, 0]);
    close(column(1, 2).pad([1, 2], { value: 9 }), [9, 1, 2, 9, 9]);
    close(x.cat([x.neg()], 1), [0, 1, 2, 0, -1, -2, 3, 4, 5, -3, -4, -5]);
    expect(stack([x, x, x], 1).shape).toEqual([2, 3, 3]);
  });

  it("compares whole tensors", () => {
    expect(x.equal(x.clone())).toBe(true);
    expect(x.allclose(x.add(1e-9))).toBe(true);
    expect(x.allclose(x.add(0.1))).toBe(false);
    expect(x.allclose(x.add(0.1), { atol: 0.2 })).toBe(true);
  });
});

describe("networks", () => {
  const image = arange(0, 16).reshape(1, 1, 4, 4);
  it("convolves", () => {
    const weight = ones([1, 1, 3, 3]);
    close(image.conv2d(weight, column(1), {}), [46, 55, 82, 91]);
    expect(image.conv2d(weight, null, { stride: 2, padding: 1 }).shape).toEqual([1, 1, 2, 2]);
    expect(image.conv2d(weight, null, { padding: [2, 1], dilation: [2, 1] }).shape).toEqual([1, 1, 4, 4]);
  });

  it("pools and resizes", () => {
    close(image.maxPool2d({ kernelSize: 2, stride: 2 }), [5, 7, 13, 15]);
    expect(image.maxPool2d({ kernelSize: 3, stride: 2 }).shape).toEqual([1, 1, 1, 1]);
    expect(image.maxPool2d({ kernelSize: 3, stride: 2, ceilMode: true }).shape).toEqual([1, 1, 2, 2]);
    close(image.avgPool2d({ kernelSize: 2 }), [2.5, 4.5, 10.5, 12.5]);
    close(image.adaptiveAvgPool2d(2), [2.5, 4.5, 10.5, 12.5]);
    close(image.adaptiveMaxPool2d(1), [15]);
    const small = tensor([0, 1, 2, 3], [1, 1, 2, 2]);
    close(small.resize([3, 3], { alignCorners: true }), [0, 0.5, 1, 1, 1.5, 2, 2, 2.5, 3]);
    close(small.resize([1, 4], { alignCorners: false }), [1, 1.25, 1.75, 2]);
    expect(small.resizeLike(image, { alignCorners: true }).shape).toEqual([1, 1, 4, 4]);
  });

  it("enlarges by the very matrix of @pspnet/core", () => {
    for (const [size, bins, taps] of [
      [1, 1, 1],
      [7, 3, 3],
      [4, 6, 3],
      [119, 6, 1],
      [60, 2, 5],
    ] as const) {
      for (const alignCorners of [true, false, "asymmetric"] as const) {
        const options = { bins, taps, alignCorners };
        const matrix = zeros([2, size], { dtype: "float64" }).enlargeMatrix(1, options);
        expect(matrix.shape).toEqual([1, size, taps * bins]);
        expect(matrix.toArray()).toEqual(enlargeMatrix(size, options));
      }
    }
  });

  it("normalises by the batch's statistics, or by the running ones", () => {
    const x = tensor([1, 3, 5, 7], [2, 1, 1, 2]);
    const [gamma, beta, mean, variance] = [ones([1]), zeros([1]), zeros([1]), ones([1])];
    const deviation = Math.sqrt(5);
    const trained = x.batchNorm(gamma, beta, mean, variance, { training: true, momentum: 0.1, eps: 0 });
    close(trained, [-3 / deviation, -1 / deviation, 1 / deviation, 3 / deviation]);
    close(mean, [0.4]);
    close(variance, [0.9 + 0.1 * (20 / 3)]);
    const frozen = x.batchNorm(gamma, beta, zeros([1]), full([1], 4), { training: false, momentum: 0.1, eps: 0 });
    close(frozen, [0.5, 1.5, 2.5, 3.5]);
  });

  it("keeps channels-last through a block", () => {
    const weight = backend().tensor(new Float32Array(8 * 4 * 9).fill(0.1), [8, 4, 3, 3]);
    expect(weight.isContiguous("channelsLast")).toBe(true);
    expect(backend({ channelsLast: false }).tensor(new Float32Array(72), [2, 4, 3, 3]).isContiguous()).toBe(true);
    const x = randn([2, 4, 6, 6]).contiguous("channelsLast");
    const vectors = [ones([8]), zeros([8]), zeros([8]), ones([8])] as const;
    const y = x
      .conv2d(weight, null, { padding: 1 })
      .batchNorm(...vectors, { training: true, momentum: 0.1, eps: 1e-5 });
    expect([y, y.relu(), y.maxPool2d({ kernelSize: 2, stride: 2 })].map((t) => t.isContiguous("channelsLast"))).toEqual(
      [true, true, true],
    );
  });

  it("takes the cross-entropy of the pixels that count", () => {
    const logits = tensor([0, 0, 0, Math.log(3), 0, 0], [1, 2, 3]);
    const target = tensor([1, 1, 255], [1, 3], { dtype: "int64" });
    // Both count with probability 3/4 and 1/2 of class 1.
    const loss = -(Math.log(0.75) + Math.log(0.5)) / 2;
    expect(logits.crossEntropy(target, { ignoreIndex: 255 }).item()).toBeCloseTo(loss, 6);
    close(logits.crossEntropy(target, { ignoreIndex: 255, reduction: "none" }), [-Math.log(0.75), -Math.log(0.5), 0]);
    const weight = column(1, 2);
    const weighted = logits.crossEntropy(target, { ignoreIndex: 255, weight, reduction: "sum" });
    expect(weighted.item()).toBeCloseTo(4 * loss, 5);
  });

  it("drops out elements, or whole channels", () => {
    manualSeed(3);
    const x = ones([4, 50, 3, 3]);
    expect(x.dropout2d(0.5, false).equal(x)).toBe(true);
    const channels = x.dropout2d(0.5, true).toNumbers();
    for (let c = 0; c < 200; c++) expect(new Set(channels.slice(c * 9, c * 9 + 9)).size).toBe(1);
    expect(new Set(channels)).toEqual(new Set([0, 2]));
    expect(x.dropout(0.5, true).mean().item()).toBeCloseTo(1, 0);
  });
});

describe("making tensors", () => {
  it("fills them", () => {
    close(zeros([2]).cat([ones([1]), full([1], 2.5)], 0), [0, 0, 1, 2.5]);
    expect(empty([2, 3], { dtype: "uint8" }).dtype).toBe("uint8");
    close(arange(1, 2, 0.25), [1, 1.25, 1.5, 1.75]);
    expect(ones([2], { dtype: "int64" }).zerosLike().toArray()).toEqual(BigInt64Array.of(0n, 0n));
  });

  it("repeats random numbers from a seed", () => {
    const draw = () => {
      manualSeed(7);
      return [...rand([3]).toNumbers(), ...randn([3]).toNumbers(), ...randint(0, 100, [3]).toNumbers()];
    };
    expect(draw()).toEqual(draw());
    const whole = randint(2, 5, [200]).toNumbers();
    expect([Math.min(...whole), Math.max(...whole)]).toEqual([2, 4]);
  });

  it("takes and gives each element type", () => {
    expect(tensor(Float64Array.of(0.1), [1]).toArray()).toEqual(Float64Array.of(0.1));
    expect(tensor(BigInt64Array.of(-(2n ** 60n)), [1]).toArray()).toEqual(BigInt64Array.of(-(2n ** 60n)));
    expect(tensor(Uint8Array.of(0, 255), [2]).toArray()).toEqual(Uint8Array.of(0, 255));
    expect(tensor(Int32Array.of(-5), [1]).dtype).toBe("int64");
    expect(tensor([0, 2], [2], { dtype: "bool" }).toArray()).toEqual(Uint8Array.of(0, 1));
    for (const dtype of ["bfloat16", "float16"] as const) {
      const narrow = tensor([1.5, -2], [2], { dtype });
      expect(narrow.dtype).toBe(dtype);
      expect(narrow.toArray()).toEqual(Float32Array.of(1.5, -2));
    }
    // 0x3fc0 is 1.5 in bfloat16.
    expect(tensor(Uint16Array.of(0x3fc0), [1], { dtype: "bfloat16" }).toNumbers()).toEqual([1.5]);
    expect(ones([1]).to({ dtype: "int64" }).dtype).toBe("int64");
  });

  it("copies in row-major order whatever the layout", () => {
    const x = arange(0, 12).reshape(1, 3, 2, 2);
    expect(x.contiguous("channelsLast").toNumbers()).toEqual(x.toNumbers());
    expect(x.permute(0, 2, 3, 1).copyInto(new Float32Array(12))[1]).toBe(4);
  });
});

describe("errors", () => {
  it("name the operation and its operands", () => {
    expect(() => zeros([1, 3, 8, 8]).conv2d(zeros([4, 2, 3, 3]), null, { stride: 2 })).toThrow(
      /^conv2d: .*expected input.*2 channels.*\(self float32\[1,3,8,8\], weight float32\[4,2,3,3\], stride 2\)$/,
    );
    expect(() => ones([2]).add(ones([3], { dtype: "int64" }))).toThrow(/^add: .*float32\[2\], other int64\[3\]\)$/);
    expect(() => tensor([1, 2], [3])).toThrow(/^fromData: shape: holds 3 elements, data has 2/);
    expect(() => ones([1]).to({ dtype: "float8" as "float32" })).toThrow(/dtype: expected float32.*found float8/);
    expect(() => ones([1]).pow("2" as unknown as number)).toThrow(/^pow: exponent: expected a number, found 2/);
  });

  it("say that a tensor is disposed of", () => {
    const x = ones([2]);
    x.dispose();
    expect(() => x.relu()).toThrow(/^relu: self: the tensor is disposed/);
  });

  it("leave nothing behind", () => {
    const before = liveTensors();
    scope(() => {
      for (let i = 0; i < 10; i++) expect(() => ones([2]).matmul(ones([3]))).toThrow(/^matmul: /);
    });
    expect(liveTensors()).toBe(before);
  });
});

describe("the table", () => {
  it("is what the TypeScript was made from", async () => {
    const generator = (await import(new URL("../native/generate.mjs", import.meta.url).href)) as {
      readTable(): readonly unknown[];
      typeScript(operations: readonly unknown[]): string;
    };
    const file = new URL("../src/operations.generated.ts", import.meta.url);
    const operations = generator.readTable();
    expect(
      readFileSync(file, "utf8") === generator.typeScript(operations),
      "run node packages/torch/native/generate.mjs",
    ).toBe(true);
    expect(operations.length).toBeGreaterThan(80);
  });

  it("belongs to a supported libtorch", () => expect(version()).toMatch(/^2\.1[345]\./));
});
