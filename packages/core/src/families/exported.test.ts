import { readSafetensors, type State, type StateTensor } from "@pspnet/checkpoints";
import { describe, expect, it } from "vitest";
import { pspnetConfig } from "../model/config.js";
import { randomWeights } from "../weights/randomWeights.js";
import { importCheckpoint } from "./importCheckpoint.js";

const config = pspnetConfig({ classes: 3, backbone: { layers: 18, width: 2 }, auxiliary: { kind: "none" } });
const ours = readSafetensors(randomWeights(config)).tensors;
const onnx = (state: State) => importCheckpoint({ format: "ONNX", state, metadata: {} });
const constant: StateTensor = { shape: [2], dtype: "int64", float32: () => Float32Array.of(9, 9) };

/** The convolutions alone, as PyTorch's exporter leaves them when it folds batch norms; a bias of zeros it leaves out. */
const folded = new Map<string, StateTensor>();
for (const [name, tensor] of ours) if (tensor.shape.length === 4 || name === "cls.4.bias") folded.set(name, tensor);
folded.set("layer1.0.conv2.weight_bias", { shape: [2], dtype: "float32", float32: () => Float32Array.of(3, -4) });
folded.set("val_259", constant);

describe("an export to ONNX", () => {
  it("with its batch norms is read as it is, but for the graph's constants", () => {
    const { state, tensors, family } = onnx(new Map([...ours, ["/ppm/Constant_output_0", constant]]));
    expect(family.name).toBe("semseg");
    expect([...state.keys()]).toEqual([...ours.keys()]);
    expect(tensors.at(-1)).toMatchObject({ fate: "dropped", because: "is a constant of the graph" });
  });

  it("without has batch norms that add the convolution's bias", () => {
    const { state, config: found } = onnx(folded);
    expect(new Set(state.keys())).toEqual(new Set(ours.keys()));
    expect(found).toEqual(config);
    const values = (name: string) => [...new Float32Array(state.get(name)!.bytes.slice().buffer)];
    expect(values("layer1.0.bn2.bias")).toEqual([3, -4]);
    expect(values("layer1.0.bn1.bias")).toEqual([0, 0]);
    for (const norm of ["layer1.0.bn2", "layer0.1", "cls.1"]) {
      const [weight, mean, variance] = ["weight", "running_mean", "running_var"].map((key) => values(`${norm}.${key}`));
      for (const [i, value] of weight.entries()) {
        expect(mean[i]).toBe(0);
        expect(value / Math.sqrt(variance[i] + config.norm.eps)).toBeCloseTo(1, 6);
      }
    }
  });

  it("whose convolutions have lost their names is none", () => {
    const lost = new Map(
      [...folded].map(([name, tensor], i) => [name.startsWith("cls.4") ? name : `onnx::Conv_${i}`, tensor]),
    );
    expect(() => onnx(lost)).toThrow("expected a PSPNet or a backbone of one");
  });
});
