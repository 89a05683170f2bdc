import { expect, it } from "vitest";
import { namedWeights } from "./namedWeights.js";

it("names are those of files, or what is said", () => {
  expect(
    namedWeights(["runs/a/weights/best.safetensors", "ade20k-pspnet50", "street=runs/a=b/best.safetensors"]),
  ).toEqual([
    { name: "best", weights: "runs/a/weights/best.safetensors" },
    { name: "ade20k-pspnet50", weights: "ade20k-pspnet50" },
    { name: "street", weights: "runs/a=b/best.safetensors" },
  ]);
});

it("two of one name, and names that are none, are refused with the mend", () => {
  expect(() => namedWeights(["a/best.safetensors", "b/best.safetensors"])).toThrow(
    "a/best.safetensors and b/best.safetensors are both named best; give them names: other=b/best.safetensors",
  );
  expect(() => namedWeights(["my weights.safetensors"])).toThrow(
    'found "my weights"; give one: name=my weights.safetensors',
  );
  expect(() => namedWeights(["a="])).toThrow("expected a name");
});
