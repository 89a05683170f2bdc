import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import {
  alignedSize,
  type Backend,
  byteInput,
  Conv2d,
  DEPTHS,
  IMAGENET,
  initialise,
  type NetworkFields,
  networkGraph,
  normalise,
  optimise,
  PRECISIONS,
  PSPNet,
  type PSPNetConfig,
  parseDescription,
  pspnetConfig,
  random,
  readSafetensors,
  Sequential,
  upsampleLogits,
} from "@pspnet/core";
import { type GraphTensor, graphBackend, symbol, trace } from "@pspnet/core/graph";
import { makeScene } from "@pspnet/scenes";
import {
  backend,
  bfloat16Instructions,
  fastBfloat16,
  manualSeed,
  memoryKept,
  noGrad,
  numThreads,
  Plan,
  type PlanOptions,
  randn,
  setNumThreads,
  type Tensor,
  tensor,
} from "@pspnet/torch";
import { describe, expect, test } from "vitest";
import { native } from "../../torch/src/binding.js";

const boxedWeights = createRequire(import.meta.url).resolve("@pspnet/scenes/model.safetensors");

const SMALL = { classes: 7, width: 8, headChannels: 16, aux: false } as const;

/** The same random network twice: eager, and as a plan. */
function pair(fields: NetworkFields, precision: PlanOptions["precision"] = "fp32", { reproducible = false } = {}) {
  const config = pspnetConfig({ ...SMALL, ...fields });
  const eager = new PSPNet(config).eval();
  initialise(eager, backend(), { seed: 3 });
  const traced = new PSPNet(config).eval();
  initialise(traced, graphBackend, { seed: 3 });
  const input = { name: "image", shape: [symbol("n"), 3, symbol("h"), symbol("w")] };
  const graph = optimise(trace(traced, input, (x) => ({ logits: traced.forward(x).out })));
  return { config, eager, plan: new Plan(graph, { precision, usualSize: [97, 97], reproducible }) };
}

/** A size at which corners are aligned, as tensors have it. */
function aligned([height, width]: readonly [number, number], config: PSPNetConfig): [number, number] {
  const size = alignedSize({ height, width }, config);
  return [size.height, size.width];
}

function relativeError(found: Tensor, expected: Tensor): number {
  return found.sub(expected).abs().max().item() / expected.abs().max().item();
}

describe("a plan gives the eager network's logits within 1e-4", () => {
  const forms: NetworkFields[] = [
    ...DEPTHS.map((layers, i) => ({ layers, stem: i % 2 === 0 ? "deep" : "plain" }) as const),
    { layers: 50, strideIn: "1x1", ceilPool: true, stem: "plain" },
    { layers: 18, outputStride: 16, firstDilation: "halved" },
    { layers: 18, alignCorners: false, bins: [2, 4], concatOrder: "descending" },
    { layers: 18, pool: "max", reduction: false, bins: [1, 3] },
    { layers: 18, alignCorners: "asymmetric", pool: "max" },
    { layers: 18, ppm: false },
  ];
  test.each(forms)("%j", async (form) => {
    const { eager, plan } = pair(form);
    for (const [n, h, w] of [
      [1, 97, 97],
      [2, 65, 89],
      [1, 50, 71],
    ]) {
      manualSeed(h);
      const x = randn([n, 3, h, w]);
      const expected = noGrad(() => eager.forward(x).out);
      const found = await plan.run(x);
      expect(found.shape).toEqual(expected.shape);
      expect(relativeError(found, expected)).toBeLessThan(1e-4);
    }
  });
});

const INPUT = byteInput(IMAGENET);

function photograph(h: number, w: number): Uint8Array {
  const generator = random(h, w);
  return Uint8Array.from({ length: 3 * h * w }, () => 256 * generator.next());
}

test.each([
  [50, 71],
  [57, 73],
])("labels of a photograph of %ix%i are the argmax of the enlarged logits", async (h, w) => {
  const { config, eager, plan } = pair({ layers: 18 });
  const bytes = photograph(h, w);
  const size = aligned([h, w], config);
  const found = await plan.labels(bytes, [1, h, w], { ...INPUT, size, alignCorners: true });
  const x = tensor(normalise({ width: w, height: h, data: bytes }), [1, 3, h, w]).pad([0, size[1] - w, 0, size[0] - h]);
  const logits = noGrad(() => upsampleLogits(eager.forward(x).out, size, config).narrow(2, 0, h).narrow(3, 0, w));
  const best = logits.amax(1);
  const chosen = logits.gather(1, tensor(Float64Array.from(found), [1, 1, h, w]).to({ dtype: "int64" })).select(1, 0);
  // Of classes that are equal but for rounding either may be chosen.
  expect(best.sub(chosen).max().item()).toBeLessThan(1e-5 * logits.abs().max().item());
});

// On a processor a plan in fp16 runs by the very operations that it runs by on a GPU.
test.each(["bf16", "fp16"] as const)("%s stays within 0.02 of float32 on a random network", async (precision) => {
  const { eager, plan } = pair({ layers: 50 }, precision);
  const x = randn([1, 3, 97, 97]);
  const expected = noGrad(() => eager.forward(x).out);
  const found = await plan.run(x);
  expect(found.sub(expected).pow(2).sum().item() / expected.pow(2).sum().item()).toBeLessThan(0.02 ** 2);
});

test("runs asked for at once all answer, off the event loop", async () => {
  const { plan } = pair({ layers: 18 });
  let turns = 0;
  let waiting = true;
  const turn = () => {
    turns++;
    if (waiting) setImmediate(turn);
  };
  turn();
  const widths = [197, 198, 199];
  const options = { ...INPUT, size: [201, 201], alignCorners: true } as const;
  const found = await Promise.all(widths.map((w) => plan.labels(photograph(200, w), [1, 200, w], options)));
  waiting = false;
  expect(found.map(({ length }) => length)).toEqual(widths.map((w) => 200 * w));
  expect(turns).toBeGreaterThan(50);
});

test("with memory and weights laid out for its size a run gives what the first run gave, whatever ran in between", async () => {
  const { plan } = pair({ layers: 50, width: 64, headChannels: 64 });
  // More sizes than a plan keeps anything for, of several MiB each.
  const sizes = Array.from({ length: 18 }, (_, i) => 145 + 8 * i);
  const images = sizes.map((size) => randn([1, 3, size, 121]));
  const first = [];
  for (const x of images) first.push(await plan.run(x));
  const threads = numThreads();
  for (const [i, x] of images.slice(0, 3).entries()) {
    const next = images[i + 1];
    const together = await Promise.all([plan.run(x), plan.run(next), plan.run(x)]);
    setNumThreads(1);
    const alone = await plan.run(x);
    setNumThreads(threads);
    for (const found of [together[0], together[2], alone]) expect(relativeError(found, first[i])).toBeLessThan(1e-5);
  }
});

test.each([
  { layers: 18, headChannels: 64 },
  { layers: 50, headChannels: 32, classes: 40 },
] as const)(
  "Winograd's convolutions give the direct ones' logits within 1e-5, from the first run of a size on: %j",
  async (fields) => {
    // Dilations 1, 2 and 4.
    const { eager, plan } = pair({ width: 32, ...fields });
    for (const size of [
      [2, 3, 121, 97],
      [1, 3, 97, 121],
    ]) {
      const x = randn(size);
      const direct = noGrad(() => eager.forward(x).out);
      for (let run = 1; run <= 3; run++) {
        expect(relativeError(await plan.run(x), direct)).toBeLessThan(1e-5);
        if (native().hasWinograd("float32")) expect(plan.winograd.length).toBeGreaterThan(0);
      }
    }
  },
);

test.each([
  [1, native().hasWinograd("float32") ? 1 : 0],
  [Number.NaN, 0],
])(
  "a convolution is direct whose filters Winograd's form does not give the same with: times %d",
  async (factor, count) => {
    const convolution = new Conv2d([32, 32], { kernel: 3, padding: 1 }).eval();
    const tensor: typeof graphBackend.tensor = (data, shape) =>
      graphBackend.tensor(
        (data as Float32Array).map((x) => factor * x),
        shape,
      );
    initialise(convolution, { ...graphBackend, tensor }, { seed: 3 });
    const input = { name: "x", shape: [1, 32, symbol("h"), symbol("w")] };
    using plan = new Plan(optimise(trace(new Sequential(convolution), input, (x) => ({ y: convolution.forward(x) }))), {
      precision: "fp32",
      usualSize: [24, 24],
    });
    for (let run = 1; run <= 2; run++) {
      await plan.run(randn([1, 32, 24, 24]));
      expect(plan.winograd.length).toBe(count);
    }
  },
);

test.each(["fp32", "bf16"] as const)(
  "in %s a reproducible plan gives the same to the bit, whichever run it is, in float32 on any number of threads",
  async (precision) => {
    const open = () => pair({ layers: 18, width: 32, headChannels: 64 }, precision, { reproducible: true }).plan;
    const [plan, other] = [open(), open()];
    const x = randn([1, 3, 121, 97]);
    const first = (await plan.run(x)).toArray();
    const { winograd } = plan;
    if (native().hasWinograd("float32") && precision === "fp32") expect(winograd.length).toBeGreaterThan(0);
    await other.run(randn([2, 3, 121, 97]));
    const threads = numThreads();
    if (precision === "fp32") setNumThreads(threads === 1 ? 2 : 1);
    for (const again of [plan, plan, other]) {
      expect((await again.run(x)).toArray()).toEqual(first);
      expect(again.winograd).toEqual(winograd);
    }
    setNumThreads(threads);
  },
);

test("in bf16, with Winograd's convolutions too, a trained network's logits are float32's within 0.005 of the norm", async () => {
  const { metadata, tensors } = readSafetensors(await readFile(boxedWeights));
  const { config } = parseDescription(metadata);
  const graph = optimise(networkGraph(config, tensors));
  const planIn = (precision: PlanOptions["precision"]) => new Plan(graph, { precision, usualSize: [241, 361] });
  const { image } = makeScene({ width: 361, height: 241, seed: 4, index: 1 });
  const x = tensor(normalise(image), [1, 3, 241, 361]);
  const expected = await planIn("fp32").run(x);
  const plan = planIn("bf16");
  const squares = (logits: Tensor) => logits.pow(2).sum().item();
  for (let run = 1; run <= 2; run++) {
    const found = await plan.run(x);
    expect(squares(found.sub(expected)) / squares(expected)).toBeLessThan(0.005 ** 2);
  }
  if (!native().hasWinograd("bfloat16")) expect(plan.winograd).toEqual([]);
  else if (fastBfloat16()) expect(plan.winograd.length).toBeGreaterThan(0);
});

test("once a size's weights are laid out, every run of it lies in its block, and a larger image has a larger one", async () => {
  const { plan } = pair({ layers: 18, width: 64, headChannels: 64 });
  const blockAfter = async (size: number) => {
    (await plan.run(randn([1, 3, size, 121]))).dispose();
    return plan.workspace;
  };
  expect(plan.workspace).toEqual({ bytes: 0, runs: 0 });
  const first = await blockAfter(161);
  expect(first.bytes).toBeGreaterThan(2 ** 20);
  expect(first.runs).toBe(0);
  // The second run has the weights that are laid out for its size: where one is in another order its memory is watched anew.
  const second = await blockAfter(161);
  for (let i = 1; i <= 3; i++) expect(await blockAfter(161)).toEqual({ bytes: second.bytes, runs: second.runs + i });
  expect((await blockAfter(481)).bytes).toBeGreaterThan(second.bytes);
});

test("an engine at rest gives back the memory that a rare large image took", async () => {
  const { plan } = pair({ layers: 18 });
  native().keepMemoryFor(1);
  try {
    (await plan.run(randn([1, 3, 481, 481]))).dispose();
    expect(plan.workspace.bytes).toBeGreaterThan(0);
    // The compute thread looks every few seconds.
    await expect.poll(memoryKept, { timeout: 60_000 }).toBe(0);
  } finally {
    native().keepMemoryFor(30_000);
  }
});

test("what a run takes is known before it", async () => {
  for (const precision of PRECISIONS) {
    for (const layers of [18, 50] as const) {
      const { plan } = pair({ layers, width: 64 }, precision);
      const [h, w] = [97, 249];
      for (let i = 0; i < 3; i++) (await plan.run(randn([1, 3, h, w]))).dispose();
      const ratio = plan.memoryFor([1, h, w]) / plan.workspace.bytes;
      expect(ratio).toBeGreaterThan(0.85);
      // It counts Winograd's tiles for convolutions that may then be computed directly.
      const most = { fp32: 1.75, bf16: bfloat16Instructions() ? 2.25 : 4, fp16: 1.25 };
      expect(ratio).toBeLessThan(most[precision]);
    }
  }
});

test("windows are the photograph at its scale, their mirror images beside them, and the mean colour around it", async () => {
  const { plan } = pair({ layers: 18 });
  const [h, w] = [40, 50];
  const bytes = photograph(h, w);
  const planes = tensor(normalise({ width: w, height: h, data: bytes }), [1, 3, h, w]);
  // From 5 rows above the photograph to beyond its right border.
  const scaled = planes.resize([30, 60], { alignCorners: false }).pad([0, 20, 5, 0]);
  const windows = [scaled.narrow(2, 0, 33).narrow(3, 30, 41), scaled.narrow(2, 2, 33).narrow(3, 7, 41)];
  const both = windows.flatMap((window) => [window, window.flip(3)]);
  const expected = both[0].cat(both.slice(1), 0).pad([0, 8, 0, 8]);
  const corners = [[-5, 30] as const, [-3, 7] as const];
  const look = { scaled: [30, 60], corners, window: [33, 41], size: [41, 49], flip: true } as const;
  const given = tensor(bytes, [1, h, w, 3]);
  const found = await plan.windows(given, { ...INPUT, ...look });
  expect(relativeError(found, await plan.run(expected))).toBeLessThan(1e-5);
});

const HALVES = { kernelSize: 2, stride: 2 };

test("a layer that is applied twice is two steps with the same weights", async () => {
  const layer = (memory: Backend) => {
    const made = new Conv2d([4, 4], { kernel: 3, padding: 1, bias: true }).eval();
    initialise(made, memory, { seed: 3 });
    return made;
  };
  const [eager, traced] = [layer(backend()), layer(graphBackend)];
  const input = { name: "x", shape: [1, 4, symbol("h"), symbol("w")] };
  const graph = optimise(
    trace(new Sequential(traced), input, (x) => ({ y: traced.forward(traced.forward(x).relu().maxPool2d(HALVES)) })),
  );
  using plan = new Plan(graph, { precision: "fp32", usualSize: [24, 24] });
  for (const size of [24, 24, 40, 40, 40]) {
    const x = randn([1, 4, size, size]);
    const expected = noGrad(() => eager.forward(eager.forward(x).relu().maxPool2d(HALVES)));
    expect(relativeError(await plan.run(x), expected)).toBeLessThan(1e-5);
  }
});

const CONVOLUTION = { stride: 1, padding: 0, dilation: 1, groups: 1, activation: null, inputSize: [1, 3, 8, 8] };

test("a convolution without bias, and a graph that names what is not there", async () => {
  const build = (inputs: number[], output = 3) => {
    const plan = native().planCreate("float32", "cpu", false);
    native().planConstant(plan, 1, randn([4, 3, 1, 1]).handle, false);
    native().planAdd(plan, "conv2d", inputs, 2, CONVOLUTION);
    native().planAdd(plan, "relu", [2], 3, {});
    native().planFinish(plan, 0, output);
    return plan;
  };
  await expect(native().planRun(build([0, 1]), randn([1, 3, 8, 8]).handle)).resolves.toBeDefined();
  expect(() => build([0])).toThrow(/conv2d: expected 2 inputs or more, found 1/);
  expect(() => build([0, 5])).toThrow(/weights are not known/);
  expect(() => build([0, 1, 9])).toThrow(/value 9|range/);
  expect(() => build([0, 1], 7)).toThrow(/value 7: expected the output to be given/);
  const plan = native().planCreate("float32", "cpu", false);
  const refused = (operator: string, attributes: unknown) =>
    expect(() => native().planAdd(plan, operator, operator === "conv2d" ? [0, 1] : [0], 2, attributes));
  refused("maxPool2d", { kernelSize: 3, padding: 1, ceilMode: false }).toThrow(
    /stride: expected a number, found undefined/,
  );
  refused("maxPool2d", { kernelSize: 0 }).toThrow(/kernelSize: expected a whole number from 1, found 0/);
  refused("relu", null).toThrow(/attributes: expected an object, found null/);
  refused("conv2d", { ...CONVOLUTION, activation: "gelu" }).toThrow(/activation: a plan knows no gelu/);
  refused("fold", {}).toThrow(/operator: a plan knows no fold/);
});

test("a constant of float16 is the numbers that its bits are", async () => {
  const weight = { dtype: "float16", shape: [1, 2, 1, 1], data: Uint16Array.of(0x3c00, 0xc100) } as const;
  const node = {
    name: "y",
    operator: "conv2d",
    inputs: ["x", "weight"],
    output: "y",
    attributes: CONVOLUTION,
  } as const;
  const graph = {
    inputs: [{ name: "x", shape: [1, 2, 1, symbol("w")] }],
    initialisers: new Map([["weight", weight]]),
    nodes: [node],
    outputs: new Map([["y", "y"]]),
  };
  using plan = new Plan(graph, { precision: "fp32", usualSize: [1, 2] });
  const found = await plan.run(tensor([1, 2, 10, 20], [1, 2, 1, 2]));
  expect(found.toNumbers()).toEqual([1 - 2.5 * 10, 2 - 2.5 * 20]);
});

test("bytes may change, or go to another thread, as soon as they are asked about", async () => {
  const { config, plan } = pair({ layers: 18 });
  const [h, w] = [201, 201];
  const options = { ...INPUT, size: aligned([h, w], config), alignCorners: true };
  const expected = await plan.labels(photograph(h, w), [1, h, w], options);
  const bytes = photograph(h, w);
  const asked = plan.labels(bytes, [1, h, w], options);
  structuredClone(bytes, { transfer: [bytes.buffer as ArrayBuffer] });
  expect(bytes.length).toBe(0);
  expect(await asked).toEqual(expected);
});

test("logits that are not finite are an error, not a class", async () => {
  const config = pspnetConfig({ ...SMALL, layers: 18 });
  const network = new PSPNet(config).eval();
  initialise(network, graphBackend, { seed: 3 });
  const bias = network.stateDict().get("cls.4.bias")!.as<GraphTensor>();
  (bias.source as unknown as { data: Float32Array }).data[2] = Number.NaN;
  const input = { name: "image", shape: [symbol("n"), 3, symbol("h"), symbol("w")] };
  const graph = optimise(trace(network, input, (x) => ({ logits: network.forward(x).out })));
  const plan = new Plan(graph, { precision: "fp32", usualSize: [57, 57] });
  const [h, w] = [57, 57];
  const options = { ...INPUT, size: [h, w], alignCorners: true } as const;
  await expect(plan.labels(photograph(h, w), [1, h, w], options)).rejects.toMatchObject({
    code: "weights",
    message: expect.stringMatching(/infinite ones or NaN/),
  });
  const given = tensor(photograph(h, w), [1, h, w, 3]);
  const look = { scaled: [h, w], corners: [[0, 0]], window: [h, w], flip: false } as const;
  await expect(plan.windows(given, { ...options, ...look })).rejects.toMatchObject({ code: "weights" });
  expect(await plan.logits(photograph(h, w), [1, h, w], options)).toBeDefined();
});

test("a disposed plan and an image of the wrong shape are errors, not crashes", async () => {
  const { plan } = pair({ layers: 18 });
  const refused = () => expect(plan.run(randn([1, 4, 33, 33]))).rejects.toThrow(/channel/);
  for (let i = 0; i < 4; i++) await refused();
  plan.dispose();
  await expect(plan.run(randn([1, 3, 33, 33]))).rejects.toThrow(/disposed/);
});
