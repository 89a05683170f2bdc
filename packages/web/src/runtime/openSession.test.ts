import { expect, test } from "vitest";
import { type Onnxruntime, openSession } from "./openSession.js";

const image = { name: "image", isTensor: true, type: "float32", shape: ["n", 3, "h", "w"] };
const logits8 = { name: "logits8", isTensor: true, type: "float32", shape: ["n", 2, "h8", "w8"] };

/** An onnxruntime-web whose WebGPU makes of the right logits what `wrong` says. */
function fake(wrong: (value: number, i: number) => number, { input = image, output = logits8 } = {}) {
  const living = new Set<string>();
  const ort = {
    Tensor: class {
      constructor(
        readonly type: string,
        readonly data: Float32Array,
        readonly dims: readonly number[],
      ) {}
    },
    InferenceSession: {
      async create(_: Uint8Array, { executionProviders: [backend] }: { executionProviders: string[] }) {
        living.add(backend);
        return {
          inputMetadata: [input],
          outputMetadata: [output],
          async run({ image }: { image: { data: Float32Array } }) {
            const logits = image.data.slice(0, 50).map((value) => 3 * value);
            return { logits8: { data: backend === "webgpu" ? logits.map(wrong) : logits, dims: [1, 2, 5, 5] } };
          },
          release: async () => void living.delete(backend),
        };
      },
    },
  };
  return { ort: ort as unknown as Onnxruntime, living };
}

test("WebGPU is taken when it computes what WebAssembly does up to rounding, which is not needed any more", async () => {
  const { ort, living } = fake((value) => value * 1.001);
  await openSession(ort, new Uint8Array(), "webgpu");
  expect([...living]).toEqual(["webgpu"]);
});

test.each<[string, (value: number, i: number) => number]>([
  ["other numbers", (value) => value * 1.05],
  ["one that is NaN", (value, i) => (i === 7 ? Number.NaN : value)],
  ["the wrong places", (_, i) => Math.sin(i)],
])("WebGPU is refused, and let go, when it makes %s", async (_, wrong) => {
  const { ort, living } = fake(wrong);
  const refusal = {
    code: "environment",
    message: expect.stringMatching(/^WebGPU: expected the logits of WebAssembly/),
  };
  await expect(openSession(ort, new Uint8Array(), "webgpu")).rejects.toMatchObject(refusal);
  expect([...living]).toEqual([]);
});

test("a model of one size, of bytes, or without logits at 1/8 is refused, and let go", async () => {
  for (const wrong of [
    { input: { ...image, shape: [1, 3, 473, 473] as never } },
    { input: { ...image, type: "uint8" } },
    { output: { ...logits8, name: "labels" } },
  ]) {
    const { ort, living } = fake((value) => value, wrong);
    const refusal = {
      code: "weights",
      message: expect.stringMatching(/^model: expected image, float32 .* to logits8/),
    };
    await expect(openSession(ort, new Uint8Array(), "wasm")).rejects.toMatchObject(refusal);
    expect([...living]).toEqual([]);
  }
});
