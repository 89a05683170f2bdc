import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32c } from "@pspnet/checkpoints";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TensorBoardWriter } from "./tensorBoard.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pspnet-events-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Bit by bit, as RFC 3720 defines it. */
function slowMaskedCrc(bytes: Uint8Array): number {
  let crc = 0xffff_ffffn;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1n) ^ (crc & 1n ? 0x82f6_3b78n : 0n);
  }
  crc ^= 0xffff_ffffn;
  return Number((((crc >> 15n) | (crc << 17n)) + 0xa282_ead8n) & 0xffff_ffffn);
}

/** The records of a TFRecord file, checksums verified. */
function records(file: Uint8Array): Uint8Array[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const found: Uint8Array[] = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(view.getBigUint64(at, true));
    expect(view.getUint32(at + 8, true)).toBe(slowMaskedCrc(file.subarray(at, at + 8)));
    const data = file.subarray(at + 12, at + 12 + length);
    expect(view.getUint32(at + 12 + length, true)).toBe(slowMaskedCrc(data));
    found.push(data);
    at += length + 16;
  }
  return found;
}

/** A message's fields by number; the last one of each. */
function fields(bytes: Uint8Array): Record<number, bigint | Uint8Array> {
  const found: Record<number, bigint | Uint8Array> = {};
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const take = (length: number) => {
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const read = { 0: varint, 1: () => take(8), 2: () => take(Number(varint())), 5: () => take(4) }[tag & 7];
    if (!read) throw new Error(`wire type ${tag & 7}`);
    found[tag >> 3] = read();
  }
  return found;
}

const part = (value: bigint | Uint8Array) => fields(value as Uint8Array);
const text = (value: bigint | Uint8Array) => new TextDecoder().decode(value as Uint8Array);
const real = (value: bigint | Uint8Array) => {
  const { buffer, byteOffset, byteLength } = value as Uint8Array;
  const view = new DataView(buffer, byteOffset, byteLength);
  return byteLength === 4 ? view.getFloat32(0, true) : view.getFloat64(0, true);
};

describe("an event file", () => {
  test("holds version, scalars and images", async () => {
    const png = await sharp({ create: { width: 5, height: 3, channels: 3, background: "red" } })
      .png()
      .toBuffer();
    const before = Date.now() / 1000;
    const writer = await TensorBoardWriter.open(folder);
    writer.scalar("train/loss", 0.5, 300);
    writer.image("val-1", png, { step: 2 ** 40 });
    await writer.close();

    const [name, ...others] = await readdir(folder);
    expect(others).toEqual([]);
    expect(name).toMatch(/^events\.out\.tfevents\.\d{10}\.[\w-]+\.0$/);
    const [version, scalar, image] = records(await readFile(join(folder, name))).map(fields);
    expect(text(version[3])).toBe("brain.Event:2");
    expect(real(version[1])).toBeGreaterThanOrEqual(before);

    expect(scalar[2]).toBe(300n);
    const loss = part(part(scalar[5])[1]);
    expect([text(loss[1]), real(loss[2])]).toEqual(["train/loss", 0.5]);

    expect(image[2]).toBe(2n ** 40n);
    const value = part(part(image[5])[1]);
    expect(text(value[1])).toBe("val-1");
    const { 1: height, 2: width, 3: colorspace, 4: encoded } = part(value[4]);
    expect([height, width, colorspace]).toEqual([3n, 5n, 3n]);
    expect(Buffer.from(encoded as Uint8Array).equals(png)).toBe(true);
  });

  test("has nothing twice and nothing lost when flushes overlap", async () => {
    const writer = await TensorBoardWriter.open(folder);
    const flushes = Array.from({ length: 50 }, (_, step) => {
      writer.scalar("loss", step, step);
      return writer.flush();
    });
    await Promise.all([...flushes, writer.close()]);
    const events = records(await readFile(writer.path)).map(fields);
    expect(events.slice(1).map((event) => Number(event[2]))).toEqual(flushes.map((_, step) => step));
  });

  test("of a resumed run is another one, which starts after the checkpoint", async () => {
    const first = await TensorBoardWriter.open(folder);
    await first.close();
    const second = await TensorBoardWriter.open(folder, { resumeStep: 40 });
    await second.close();
    expect(await readdir(folder)).toHaveLength(2);
    const [, start] = records(await readFile(second.path)).map(fields);
    expect(start[2]).toBe(41n);
    expect(part(start[7])[1]).toBe(1n);
  });

  test("takes no image but PNG", async () => {
    const writer = await TensorBoardWriter.open(folder);
    expect(() => writer.image("x", new Uint8Array(100), { step: 1 })).toThrow(/expected the bytes of a PNG/);
    await writer.close();
  });
});

test("the checksum is that of RFC 3720, appendix B.4", () => {
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
});
