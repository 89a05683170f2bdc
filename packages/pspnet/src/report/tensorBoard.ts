import { type FileHandle, open } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { maskedCrc32c } from "@pspnet/checkpoints";
import * as protobuf from "@pspnet/checkpoints/protobuf";
import { PspnetError } from "@pspnet/core";
import { makeFolder } from "../files/makeFolder.js";
import { writeError } from "../files/writeError.js";

const { bytesField, doubleField, floatField, intField, messageField } = protobuf;

// Field numbers of tensorflow/core/util/event.proto and framework/summary.proto.
const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5, sessionLog: 7 };
const SESSION_LOG = { status: 1, start: 1 };
const SUMMARY = { value: 1 };
const VALUE = { tag: 1, simpleValue: 2, image: 4 };
const IMAGE = { height: 1, width: 2, colorspace: 3, encodedImage: 4 };
const RGB = 3;

/** An event file that TensorBoard shows. What is logged is kept until `flush`, and appended then. */
export class TensorBoardWriter {
  readonly #file: FileHandle;
  #pending: Uint8Array[] = [];
  #written: Promise<void> = Promise.resolve();

  private constructor(
    readonly path: string,
    file: FileHandle,
  ) {
    this.#file = file;
  }

  /**
   * Begins a new event file `events.out.tfevents.<seconds>.<host>.<count>` in the folder; those that are there stay.
   *
   * @param options.resumeStep The last step that counts of the folder's other files: TensorBoard drops what they have after it.
   * @throws PspnetError "environment" when it cannot be written.
   */
  static async open(
    folder: string,
    { resumeStep = 0 }: { readonly resumeStep?: number } = {},
  ): Promise<TensorBoardWriter> {
    const writer = await create(folder, (path, file) => new TensorBoardWriter(path, file));
    writer.#event(0, bytesField(EVENT.fileVersion, "brain.Event:2"));
    if (resumeStep > 0) {
      const start = intField(SESSION_LOG.status, SESSION_LOG.start);
      writer.#event(resumeStep + 1, messageField(EVENT.sessionLog, [start]));
    }
    await writer.flush();
    return writer;
  }

  scalar(tag: string, value: number, step: number): void {
    this.#value(step, bytesField(VALUE.tag, tag), floatField(VALUE.simpleValue, value));
  }

  /** @param png The bytes of a PNG file. */
  image(tag: string, png: Uint8Array, { step }: { readonly step: number }): void {
    const { width, height } = pngSize(png);
    const image = [
      intField(IMAGE.height, height),
      intField(IMAGE.width, width),
      intField(IMAGE.colorspace, RGB),
      bytesField(IMAGE.encodedImage, png),
    ];
    this.#value(step, bytesField(VALUE.tag, tag), messageField(VALUE.image, image));
  }

  /** @throws PspnetError "environment" when the disk is full. */
  flush(): Promise<void> {
    const bytes = protobuf.join(this.#pending);
    this.#pending = [];
    const write = () => append(this.#file, bytes, this.path);
    this.#written = this.#written.then(write, write);
    return this.#written;
  }

  async close(): Promise<void> {
    try {
      await this.flush();
    } finally {
      await this.#file.close();
    }
  }

  #value(step: number, ...fields: protobuf.Encoded[]): void {
    this.#event(step, messageField(EVENT.summary, [messageField(SUMMARY.value, fields)]));
  }

  #event(step: number, content: protobuf.Encoded): void {
    const wallTime = doubleField(EVENT.wallTime, Date.now() / 1000);
    this.#pending.push(record(protobuf.join([wallTime, intField(EVENT.step, step), content].flat())));
  }
}

async function create<R>(folder: string, make: (path: string, file: FileHandle) => R): Promise<R> {
  const host = hostname().replace(/[^\w-]/g, "_");
  const stem = join(folder, `events.out.tfevents.${Math.floor(Date.now() / 1000)}.${host}`);
  for (let count = 0; ; count++) {
    const path = `${stem}.${count}`;
    try {
      await makeFolder(folder);
      return make(path, await open(path, "ax"));
    } catch (error) {
      const cause = error as NodeJS.ErrnoException;
      if (cause.code === "EEXIST" && cause.path === path) continue;
      throw await writeError(cause, { path, needed: 0, kept: "nothing was written" });
    }
  }
}

async function append(file: FileHandle, bytes: Uint8Array, path: string): Promise<void> {
  if (bytes.length === 0) return;
  try {
    await file.appendFile(bytes);
  } catch (cause) {
    const kept = "the events before are kept";
    throw await writeError(cause as NodeJS.ErrnoException, { path, needed: bytes.length, kept });
  }
}

/** TFRecord framing: length, its checksum, the data, their checksum. */
function record(data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(data.length + 16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc32c(bytes.subarray(0, 8)), true);
  bytes.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc32c(data), true);
  return bytes;
}

/** Width and height stand in the first chunk, IHDR. */
function pngSize(png: Uint8Array): { readonly width: number; readonly height: number } {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  if (png.length < 24 || view.getUint32(0) !== 0x8950_4e47) {
    throw new PspnetError("format", "TensorBoardWriter.image: expected the bytes of a PNG file, found others");
  }
  return { width: view.getUint32(16), height: view.getUint32(20) };
}
