import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { fromFloat32, type Shape, type StateTensor, type WritableTensor } from "@pspnet/core";
import { elements, words } from "./reproducible.js";

/** Shape, and the factors of the unit from lowest to highest. */
type Recipe = readonly [shape: Shape, low: number, high: number, unit: number];

/** Weights of a recorded checkpoint by the names that its program gives them: as `Grid` of `scripts/golden/narrow.py` makes them. */
export async function madeState(name: string): Promise<Map<string, StateTensor & WritableTensor>> {
  const file = await readFile(new URL(`../golden/families/${name}.weights.json.gz`, import.meta.url));
  const recipes = JSON.parse(gunzipSync(file).toString()) as Readonly<Record<string, Recipe>>;
  return new Map(
    Object.entries(recipes).map(([tensor, [shape, low, high, unit]]) => {
      const factors = words(`${name} ${tensor}`, elements(shape));
      const values = Float32Array.from(factors, (factor) => (low + (factor % (high - low + 1))) * unit);
      return [tensor, { shape, dtype: "float32", bytes: fromFloat32(values, "float32"), float32: () => values }];
    }),
  );
}
