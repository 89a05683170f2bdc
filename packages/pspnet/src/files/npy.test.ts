import { expect, test } from "vitest";
import { decodeNpy, encodeNpy } from "./npy.js";

/** What `np.save` of NumPy 2 wrote for `np.array([[1, -2, 0.5]], dtype='<f4')`. */
const SAVED = Buffer.concat([
  Buffer.from(
    "934e554d5059010076007b276465736372273a20273c6634272c2027666f727472616e5f6f72646572273a2046616c7365",
    "hex",
  ),
  Buffer.from(`, 'shape': (1, 3), }${" ".repeat(58)}\n`, "latin1"),
  Buffer.from("0000803f000000c00000003f", "hex"),
]);

test("the bytes are NumPy's", () => {
  const values = Float32Array.of(1, -2, 0.5);
  expect(Buffer.concat(encodeNpy(values, [1, 3])).equals(SAVED)).toBe(true);
  expect(decodeNpy(SAVED)).toEqual({ values, shape: [1, 3] });
});

test("a vector, a single value and nothing have their shapes", () => {
  for (const shape of [[2], [], [0, 4]]) {
    const values = new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(3);
    expect(decodeNpy(Buffer.concat(encodeNpy(values, shape)))).toEqual({ values, shape });
  }
});

test("a shape of other than the values is refused", () => {
  expect(() => encodeNpy(new Float32Array(5), [2, 3])).toThrow(/npy of shape \[2,3\]: expected 6 values, found 5/);
  expect(() => decodeNpy(SAVED.subarray(0, -3))).toThrow(/expected 3 values, found 2.25/);
});

test("other types and orders are refused", () => {
  const changed = (from: string, to: string) => Buffer.from(SAVED.toString("latin1").replace(from, to), "latin1");
  expect(() => decodeNpy(changed("<f4", "<f8"))).toThrow(/expected a row-major float32 array/);
  expect(() => decodeNpy(changed("False", "True "))).toThrow(/expected a row-major float32 array/);
});
