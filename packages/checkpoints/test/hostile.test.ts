import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { storedZipPieces } from "../src/archive/zipWriter.js";
import { PspnetError, readCheckpoint } from "../src/index.js";

const fixtures = new URL("fixtures/", import.meta.url);
const files = readdirSync(fixtures).filter((name) => !name.endsWith(".json"));
const bytesOf = (name: string) => new Uint8Array(readFileSync(new URL(name, fixtures)));

/** Reads all values of a checkpoint; what is wrong with it must be said by an error of ours. */
function readAll(name: string, bytes: Uint8Array): void {
  try {
    for (const tensor of readCheckpoint([{ name, bytes }]).state.values()) tensor.float32();
  } catch (error) {
    if (!(error instanceof PspnetError)) throw error;
    expect(error.message).toContain(name);
  }
}

/** An archive of torch.save around a pickle, and a storage of four bytes. */
function archive(pickle: string | Uint8Array): Uint8Array {
  const bytes = typeof pickle === "string" ? Uint8Array.from(pickle, (letter) => letter.charCodeAt(0)) : pickle;
  const entries = [
    { name: "archive/data.pkl", bytes },
    { name: "archive/data/0", bytes: new Uint8Array(4) },
  ];
  return new Uint8Array(Buffer.concat([...storedZipPieces(entries, { alignment: 64 })]));
}

const reading = (pickle: string) => () => readCheckpoint([{ name: "evil.pth", bytes: archive(pickle) }]);

describe("a pickle that is no checkpoint", () => {
  it.each([
    ["os", "system", "cos\nsystem\n(S'true'\ntR."],
    ["builtins", "eval", "cbuiltins\neval\n(S'1'\ntR."],
    ["posix", "system", "\x80\x02cposix\nsystem\nU\x04trueq\x00\x85R."],
  ])("never runs %s.%s", (module, name, pickle) => {
    expect(reading(pickle)).toThrow(new RegExp(`evil.pth.*${module}.${name}`));
  });

  it("may hold itself, at most so deep, and no more than its bytes", () => {
    const own = "\x80\x02}q\x00U\x01aq\x01h\x00s.";
    expect(reading(own)).toThrow(PspnetError);
    expect(reading(`${"(".repeat(100_000)}.`)).toThrow(PspnetError);
    expect(reading(`\x80\x02${"]".repeat(200)}${"a".repeat(199)}.`)).toThrow(PspnetError);
    expect(reading("\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x0f.")).toThrow(PspnetError);
    expect(reading("\x80\x02T\xff\xff\xff\x7f.")).toThrow(PspnetError);
    expect(reading("h\x07.")).toThrow(PspnetError);
    expect(reading("")).toThrow(PspnetError);
  });
});

describe.each(files)("%s, damaged", (name) => {
  const whole = bytesOf(name);

  it("is refused wherever it is cut off", () => {
    for (let length = 0; length < whole.length; length += Math.max(7, whole.length >> 9))
      readAll(name, whole.slice(0, length));
  });

  it("is read or refused with any bytes changed", () => {
    let seed = 1;
    const next = (below: number) => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    for (let round = 0; round < (whole.length < 16_384 ? 500 : 100); round++) {
      const bytes = whole.slice();
      for (let change = next(4); change >= 0; change--) bytes[next(bytes.length)] = [0, 255, next(256)][next(3)];
      readAll(name, bytes);
    }
  });
});
