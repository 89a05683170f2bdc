import type { Film } from "./film.js";

// Frames with their times, as ffmpeg reads them from a pipe: Matroska (RFC 9559) with one track of raw pictures. Raw video alone has no
// times, and the frames of many films, such as phones', are not equally far apart.

/** Of one a microsecond. */
const TIMESTAMP_NANOSECONDS = 1000;

/**
 * What stands before the first frame.
 *
 * @param seconds that a frame is shown for, where the next one's time does not say.
 */
export function matroskaHead({ width, height, pixelAspect }: Film, seconds: number): Uint8Array {
  const [wide, high] = pixelAspect;
  const picture = [
    ...[element(0xb0, uint(width)), element(0xba, uint(height))],
    ...[element(0x54b0, uint(width * wide)), element(0x54ba, uint(height * high))],
    element(0x2eb524, text("RGB\x18")),
  ];
  const track = [
    ...[element(0xd7, uint(1)), element(0x73c5, uint(1)), element(0x83, uint(1))],
    ...[element(0x86, text("V_UNCOMPRESSED")), element(0x23e383, uint(seconds * 1e9)), element(0xe0, ...picture)],
  ];
  return Buffer.concat([
    element(0x1a45dfa3, element(0x4282, text("matroska"))),
    // A segment of unknown size: to the end.
    ...[id(0x18538067), Buffer.from("01ffffffffffffff", "hex")],
    element(0x1549a966, element(0x2ad7b1, uint(TIMESTAMP_NANOSECONDS))),
    element(0x1654ae6b, element(0xae, ...track)),
  ]);
}

/**
 * What stands before a frame's bytes.
 *
 * @param time in seconds.
 * @param length of the frame, bytes.
 */
export function matroskaFrame(time: number, length: number): Uint8Array {
  const timestamp = element(0xe7, uint((time * 1e9) / TIMESTAMP_NANOSECONDS));
  // Of track 1, at the cluster's own time, a key frame.
  const place = Buffer.from("81000080", "hex");
  const block = Buffer.concat([id(0xa3), size(place.length + length), place]);
  return Buffer.concat([id(0x1f43b675), size(timestamp.length + block.length + length), timestamp, block]);
}

function element(name: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  return Buffer.concat([id(name), size(content.length), content]);
}

function id(name: number): Uint8Array {
  const digits = name.toString(16);
  return Buffer.from(digits, "hex");
}

/** In eight bytes, the first of which says so. */
function size(length: number): Uint8Array {
  const bytes = uint(length);
  bytes[0] = 1;
  return bytes;
}

function uint(value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(Math.round(value)));
  return bytes;
}

function text(characters: string): Uint8Array {
  return Buffer.from(characters, "latin1");
}
