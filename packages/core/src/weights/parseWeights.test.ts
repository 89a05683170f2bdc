import { fromFloat32, readSafetensors, type StoredDType, writeSafetensors } from "@pspnet/checkpoints";
import { describe, expect, it } from "vitest";
import { pspnetConfig } from "../model/config.js";
import { parseWeights } from "./parseWeights.js";
import { randomWeights } from "./randomWeights.js";

const file = randomWeights(
  pspnetConfig({ classes: 3, backbone: { layers: 18, width: 4 }, head: { channels: 8 }, auxiliary: { channels: 8 } }),
);

/** The same weights, but for one value, as elements of `dtype`. */
function planted(name: string, value: number, dtype: StoredDType = "float32"): Uint8Array {
  const { metadata, tensors } = readSafetensors(file);
  const tensor = tensors.get(name)!;
  const bytes = fromFloat32(tensor.float32().fill(value, 1, 2), dtype);
  return writeSafetensors(new Map([...tensors, [name, { ...tensor, dtype, bytes }]]), metadata);
}

describe("weights that are not finite are refused, naming file and tensor", () => {
  it.each<[string, number, StoredDType]>([
    ["cls.4.bias", Number.NaN, "float32"],
    ["cls.4.bias", Number.POSITIVE_INFINITY, "float16"],
    ["layer1.0.bn1.running_mean", Number.NEGATIVE_INFINITY, "float32"],
    ["aux.4.bias", Number.NaN, "bfloat16"],
  ])("%s with %d of %s", (name, value, dtype) => {
    expect(() => parseWeights(planted(name, value, dtype), { source: "a.safetensors" })).toThrow(
      `a.safetensors: ${name}: expected finite numbers, found 1 of `,
    );
  });

  it("and all others taken, the largest too", () => {
    expect(parseWeights(file).description.config.classes).toBe(3);
    parseWeights(planted("cls.4.bias", 3.4e38));
    parseWeights(planted("cls.4.bias", 65504, "float16"));
  });
});
