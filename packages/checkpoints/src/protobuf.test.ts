import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { byteLength, join } from "./pieces.js";
import { bytesField, doubleField, floatField, intField, messageField } from "./protobuf.js";

const bytes = (...pieces: readonly (readonly Uint8Array[])[]) => [...join(pieces.flat())];

describe("the wire format's own examples", () => {
  it("encodes numbers, negative ones as 64 bits", () => {
    expect(bytes(intField(1, 150))).toEqual([0x08, 0x96, 0x01]);
    expect(bytes(intField(1, -2))).toEqual([0x08, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
    expect(bytes(floatField(3, 1))).toEqual([0x1d, 0, 0, 0x80, 0x3f]);
    expect(bytes(doubleField(3, 1))).toEqual([0x19, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
  });

  it("encodes text, and a message inside a message", () => {
    expect(bytes(bytesField(2, "testing"))).toEqual([0x12, 7, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67]);
    expect(bytes(messageField(3, [intField(1, 150)]))).toEqual([0x1a, 3, 0x08, 0x96, 0x01]);
  });
});

it("numbers beyond 32 bits keep their value", () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      const [, ...digits] = join(intField(1, value));
      const read = digits.reduce((sum, digit, i) => sum | (BigInt(digit & 0x7f) << BigInt(7 * i)), 0n);
      expect(Number(BigInt.asIntN(64, read))).toBe(value);
    }),
  );
});

it("large bytes are passed on, not copied", () => {
  const weights = new Uint8Array(1000);
  const field = messageField(5, [bytesField(9, weights)]);
  expect(field).toContain(weights);
  expect(byteLength(field)).toBe(1000 + 3 + 3);
});
